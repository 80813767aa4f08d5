#!/usr/bin/env perl
# Many at once: thousands of waiting chats in one child of 25 threads; a thousand requests of all kinds
# over few connections.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;
use Chatbot::Load;

my $slow  = $ENV{SANITIZER};
my $chats = $slow ? 200 : 2000;
my $server = Chatbot::Server->start(threads => 25, children => 1);
my ($child) = $server->children;

subtest "$chats chats wait a second each in one child of 25 threads" => sub {
    my $result = Chatbot::Load->run($server->port, -c => $chats, 'POST /chat {"message":"{{delay 1000}} Hello"}');
    is_deeply($result->{statuses}, { 200 => $chats }, 'all are answered') or diag(explain($result));
    is($result->{lost}, 0, 'none is lost');
    is($result->{crossed}, 0, 'each its own');
    cmp_ok($server->emulator->count('in_progress_most'), '>=', 0.9 * $chats, 'they did wait at the same time');
    cmp_ok($result->{seconds}, '<', $slow ? 30 : 5, 'it did not take much more than the second');
    diag(sprintf('%d chats at 1 s in %.2f s, p99 %.0f ms', $chats, $result->{seconds}, $result->{latency_ms}{p99}));
};

subtest '1,000 keep-alive requests, mixed, over eight connections' => sub {
    my @requests = (
        'POST /chat {"message":"{{echo}}one"}', 'GET /page.html', 'GET /health', 'POST /chat {"message":"{{delay 5}}two"}',
        'GET /large.txt', 'POST /chat {"message":""}', 'GET /none', 'GET /chat',
    );
    for my $depth (1, 8) {
        my $result = Chatbot::Load->run($server->port, -c => 8, -n => 1000, -d => $depth, @requests);
        is_deeply($result->{statuses}, { 200 => 625, 422 => 125, 404 => 125, 405 => 125 }, "$depth sent ahead: all answered")
            or diag(explain($result));
        is($result->{lost}, 0, 'none is lost');
        is($result->{crossed}, 0, 'each its own');
        is($result->{reconnected}, 0, 'on the connections they began with');
    }
};

subtest 'as fast as it goes' => sub {
    my $count = $slow ? 500 : 10_000;
    my $result = Chatbot::Load->run($server->port, -c => 64, -n => $count, 'POST /chat {"message":"Hello"}');
    is_deeply($result->{statuses}, { 200 => $count }, "$count chats over 64 connections") or diag(explain($result));
    is($result->{crossed}, 0, 'each its own');
    diag(sprintf('%.0f chats a second, p50 %.1f ms, p99 %.1f ms', $result->{per_second}, @{ $result->{latency_ms} }{qw(p50 p99)}));
};

is_deeply([ $server->children ], [$child], 'all by the same child process');
$server->stop_ok;
done_testing();
