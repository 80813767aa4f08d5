#!/usr/bin/env perl
# Paths that are rare: files without credentials, a stream whose reader is too slow, a chat behind another request.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use MIME::Base64 qw(encode_base64);
use Chatbot::Events;
use Chatbot::Server;

# On a waiting thread the chat's memory goes as soon as its end is told: the sanitizers look on.
for my $mpm (qw(event worker)) {
    subtest "files and no credentials, $mpm" => sub {
        my $server = Chatbot::Server->start(mpm => $mpm, credentials => 0, threads => 4,
            chatbot => "ChatbotFileBucket my-bucket\n");
        my @files = map { { name => "$_.txt", media_type => 'text/plain', data => encode_base64('text', '') } } 1 .. 5;
        my %codes = map { $server->chat({ message => 'Hello', files => \@files })->{json}{error_code} => 1 } 1 .. 20;
        is_deeply([ sort keys %codes ], ['no_credentials'], 'no_credentials, each time');
        $server->stop_ok;
    };
}

subtest 'a slow reader is no failure of the agent' => sub {
    my $server = Chatbot::Server->start(config => "SendBufferSize 65536\n",
        chatbot => "ChatbotCircuitBreaker errors=50% min=2 window=30s open=30s\n"
            . "ChatbotTimeout stream=" . ($ENV{SANITIZER} ? 8 : 2) . "s\n");
    my @slow = map { Chatbot::Events->open($server, { message => '{{bytes 600000}}' }, client => { receive_buffer => 2048 }) } 1 .. 3;
    $_->next_event for @slow;
    my $timeouts = sub { scalar(() = $server->error_log =~ /CHAT0301: .*upstream_timeout/g) };
    ok(Chatbot::Httpd::wait_for(20, sub { $timeouts->() == 3 }), 'three of them take too long');
    is($server->chat('Hello')->{status}, 200, 'the circuit stays closed');
    $_->client->close for @slow;
    $server->stop_ok;
};

# httpd keeps a small answer back while there is a next request to read: here one that waits.
subtest 'an answer, and a chat right behind it' => sub {
    my $server = Chatbot::Server->start(mpm => 'worker', threads => 4);
    for my $half_closed (0, 1) {
        my $answered = $server->emulator->count('answered');
        my $client = $server->client;
        $client->send($client->compose('GET', '/chat')
                . $client->compose('POST', '/chat', body => { message => '{{delay 1000}}Hello' }));
        $client->half_close if $half_closed;
        is(($client->answer('GET') // {})->{status}, 405, 'the answer');
        is($server->emulator->count('answered'), $answered, 'it comes before the chat is over');
        is(($client->answer('POST') // {})->{status}, 200, 'the chat');
    }
    $server->stop_ok;
};

done_testing;
