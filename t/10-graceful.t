#!/usr/bin/env perl
# Restarting and stopping with hundreds of chats in flight: each is answered, none is held up.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;
use Chatbot::Load;

my $emulator = Chatbot::Emulator->shared;
my $slow  = $ENV{SANITIZER} ? 5 : 1;
my $chats = $ENV{SANITIZER} ? 100 : 500;

sub in_flight {
    my ($count) = @_;
    return ok(Chatbot::Httpd::wait_for(20, sub { $emulator->count('in_progress') >= $count }), "$count are in flight");
}

sub chats_in_flight {
    my ($server, $delay) = @_;
    my $load = Chatbot::Load->start($server->port, -c => $chats, qq(POST /chat {"message":"{{delay $delay}} Hello"}));
    in_flight($chats);
    return $load;
}

sub all_answered {
    my ($load) = @_;
    my $result = $load->result;
    is_deeply($result->{statuses}, { 200 => $chats }, "all $chats are answered with 200") or diag(explain($result));
    is($result->{lost}, 0, 'none is lost');
    is($result->{crossed}, 0, 'none has another\'s answer');
    return;
}

subtest 'graceful' => sub {
    my $server = Chatbot::Server->start;
    my ($old) = $server->children;
    my $load = chats_in_flight($server, 2000 * $slow);
    ok($server->graceful, 'the new generation is up');
    is($server->chat('Hello')->{status}, 200, 'it answers while the old one still waits');
    all_answered($load);
    ok(Chatbot::Httpd::wait_for(10, sub { !grep { $_ == $old } $server->children }), 'the old child is gone then');
    is(scalar($server->children), 1, 'one child is left');
    $server->stop_ok;
};

subtest 'idle keep-alive connections do not hold a graceful restart up' => sub {
    my $server = Chatbot::Server->start(config => "KeepAliveTimeout 60\n");
    my ($old) = $server->children;
    my @clients = map { $server->client } 1 .. 20;
    $_->request('POST', '/chat', body => { message => 'Hello' }) for @clients;
    my $started = time();
    $server->graceful;
    ok(Chatbot::Httpd::wait_for(20, sub { !grep { $_ == $old } $server->children }), 'the old child goes');
    cmp_ok(time() - $started, '<', 6 * $slow, 'soon, not after KeepAliveTimeout');
    is(scalar(grep { $_->closed_within(1) } @clients), 20, 'and has closed them');
    $server->stop_ok;
};

subtest 'a connection with a chat in flight takes no more once its child stops' => sub {
    my $server = Chatbot::Server->start;
    my $client = $server->client;
    $client->send($client->compose('POST', '/chat', body => { message => '{{delay 1500}} Hello' }));
    in_flight(1);
    $server->graceful;
    my $answer = $client->answer;
    is($answer->{status}, 200, 'it is answered');
    is(lc($answer->{headers}{connection} // ''), 'close', 'with Connection: close');
    ok($client->closed_within(3), 'and closed');
    $server->stop_ok;
};

subtest 'several restarts under load' => sub {
    my $server = Chatbot::Server->start;
    my $load = Chatbot::Load->start($server->port, '-x', -c => 20, -n => 1500 / $slow,
        'POST /chat {"message":"{{delay 20}} Hello"}');
    for (1 .. 3) {
        $server->graceful;
    }
    my $result = $load->result;
    is_deeply($result->{statuses}, { 200 => 1500 / $slow }, 'every chat is answered, none refused') or diag(explain($result));
    is($result->{lost}, 0, 'none is lost');
    $server->stop_ok;
};

subtest 'graceful-stop' => sub {
    my $server = Chatbot::Server->start;
    my $load = chats_in_flight($server, 1500 * $slow);
    my $pid = $server->pid;
    my $started = time();
    ok($server->stop('WINCH'), 'httpd ends, with a clean log');
    cmp_ok(time() - $started, '>', 0.3, 'but not before the chats are answered');
    all_answered($load);
};

subtest 'stop' => sub {
    my $server = Chatbot::Server->start;
    my $load = chats_in_flight($server, 30_000);
    my $started = time();
    $server->stop_ok('httpd ends at once, with a clean log');
    cmp_ok(time() - $started, '<', 8 * $slow, 'without waiting for the chats');
    my $result = $load->result;
    is($result->{answered} + $result->{lost}, $chats, 'each chat has ended one way or the other');
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 0 }), 'upstream too');
};

subtest 'a child that dies takes its own chats along only' => sub {
    my $server = Chatbot::Server->start(children => 2, threads => 5, chatbot => 'ChatbotMaxInFlight 30');
    my @clients = map { $server->client } 1 .. 20;
    $_->send($_->compose('POST', '/chat', body => { message => '{{hang}}' })) for @clients;
    in_flight(20);
    $server->expect_killed;
    kill('KILL', $_) for $server->children;
    ok(Chatbot::Httpd::wait_for(20, sub { $emulator->count('in_progress') == 0 }), 'their calls are gone');
    my @more = map { $server->client(timeout => 20) } 1 .. 30;
    $_->send($_->compose('POST', '/chat', body => { message => '{{delay 500}} Hello' })) for @more;
    my $good = grep { my $answer = $_->answer; $answer && $answer->{status} == 200 } @more;
    is($good, 30, 'new children answer, and all places are free again');
    $server->stop_ok('httpd stops');
};

done_testing();
