#!/usr/bin/env perl
# Many streams at once: clients that vanish at random, readers that stop reading, graceful restarts in the middle.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time sleep);
use Chatbot::Events qw(text_of);
use Chatbot::Server;

my $server = Chatbot::Server->start(threads => 10, children => 2);
my $emulator = $server->emulator;
my @children = $server->children;
srand(42);

sub stream { my ($message, @more) = @_; return Chatbot::Events->open($server, { message => $message }, @more) }

subtest '200 clients that vanish' => sub {
    my $before = $emulator->count('cancelled');
    my @streams = map { stream('{{chunk-delay 50}}{{words 400}}') } 1 .. 200;
    ok(Chatbot::Httpd::wait_for(20, sub { $emulator->count('in_progress') == 200 }), '200 streams are in flight');
    my $threads = 0;
    for my $stream (sort { rand() <=> 0.5 } @streams) {
        my $how = int rand 3;
        $stream->client->read_some(0.01) if $how == 0;
        $how == 1 ? $stream->client->reset : $stream->client->close;
    }
    ok(Chatbot::Httpd::wait_for(20, sub { $emulator->count('in_progress') == 0 }), 'none of their calls goes on');
    is($emulator->count('cancelled') - $before, 200, 'each was cancelled, once');
    my $gone = () = $server->error_log =~ /CHAT0303: .*client_gone/g;
    cmp_ok($gone, '>=', 200, 'and logged');
};

subtest 'readers that stop reading' => sub {
    my @slow = map { stream('{{bytes 1000000}}', client => { receive_buffer => 2048 }) } 1 .. 30;
    $_->next_event for @slow;
    is_deeply([ map { $server->chat('Hello')->{status} } 1 .. 20 ], [ (200) x 20 ], 'more of them than threads hold up nobody')
        or diag($server->error_log);
    $_->client->close for @slow;
    ok(Chatbot::Httpd::wait_for(20, sub { $emulator->count('in_progress') == 0 }), 'and are given up when they leave');
};

subtest 'graceful restarts' => sub {
    my @streams = map { stream('{{chunk-delay 40}}{{words 60}}', timeout => 30) } 1 .. 100;
    $_->next_event for @streams;
    for my $round (1 .. 2) { ok($server->graceful, "restart $round") }
    my @ends = map { [ $_->rest ] } @streams;
    is(scalar(grep { $_->[-1]{event} eq 'done' } @ends), 100, 'all streams come to their end');
    is(scalar(grep { text_of(@$_) ne $_->[-1]{json}{response} } @ends), 0, 'with all their text');
};

$server->stop_ok;
done_testing;
