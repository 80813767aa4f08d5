#!/usr/bin/env perl
# ChatbotCircuitBreaker: an agent that fails is given a rest, over all children.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $slow = $ENV{SANITIZER} ? 10 : 1;

sub codes {
    my ($server, $count, $message) = @_;
    return map { $server->chat($message)->{json}{error_code} // 'none' } 1 .. $count;
}

subtest 'it opens, refuses at once, and closes' => sub {
    my $server = Chatbot::Server->start(children => 2,
        chatbot => "ChatbotCircuitBreaker errors=50% min=5 window=30s open=1s\n");
    is_deeply([ codes($server, 2, 'Hello') ], [ ('none') x 2 ], 'all is well');
    is_deeply([ codes($server, 3, '{{status 500}}') ], [ ('upstream_error') x 3 ], 'three of five fail');
    my $calls = $emulator->count('calls');
    my $started = time();
    my $answer = $server->chat('Hello');
    cmp_ok(time() - $started, '<', 0.05 * $slow, 'refused within 50 ms');
    is($answer->{status}, 503, 'with 503');
    is($answer->{json}{error_code}, 'circuit_open', 'circuit_open');
    like($answer->{headers}{'retry-after'}, qr/^[12]$/, 'Retry-After says when');
    is_deeply([ (codes($server, 20, 'Hello'))[0 .. 19] ], [ ('circuit_open') x 20 ], 'every child refuses');
    is($emulator->count('calls'), $calls, 'AWS was not asked');
    like($server->error_log, qr/CHAT0304: the circuit of agent is open/, 'the log says so');
    ok(Chatbot::Httpd::wait_for(10, sub { $server->chat('Hello')->{status} == 200 }), 'it closes by itself');
    is_deeply([ codes($server, 3, 'Hello') ], [ ('none') x 3 ], 'and stays so');
    $server->stop_ok;
};

subtest 'a failed try opens it again' => sub {
    my $server = Chatbot::Server->start(
        chatbot => "ChatbotCircuitBreaker errors=100% min=2 window=30s open=300ms\n");
    codes($server, 2, '{{status 500}}');
    is_deeply([ codes($server, 1, 'Hello') ], ['circuit_open'], 'it is open');
    ok(Chatbot::Httpd::wait_for(5, sub { (codes($server, 1, '{{status 500}}'))[0] eq 'upstream_error' }), 'one may try');
    is_deeply([ codes($server, 1, 'Hello') ], ['circuit_open'], 'it failed: open again');
    $server->stop_ok;
};

subtest 'what does not count' => sub {
    my $server = Chatbot::Server->start(
        chatbot => "ChatbotCircuitBreaker errors=1% min=1 window=30s open=10s\n");
    codes($server, 1, "{{error $_}}")
        for qw(throttlingException validationException accessDeniedException resourceNotFoundException conflictException);
    is_deeply([ codes($server, 1, 'Hello') ], ['none'], 'refusals and throttling say that the agent is there');
    $server->stop_ok;
};

subtest 'what does' => sub {
    for my $fault ('{{reset}}', '{{garbage}}', '{{cut 40}}', '{{error internalServerException}}', '{{hang}}') {
        my $server = Chatbot::Server->start(chatbot => "ChatbotTimeout total=500ms first=400ms\n"
                . "ChatbotCircuitBreaker errors=1% min=1 window=30s open=10s\n");
        codes($server, 1, $fault);
        is_deeply([ codes($server, 1, 'Hello') ], ['circuit_open'], $fault);
        $server->stop_ok;
    }
};

subtest 'each agent has its own, and Off is off' => sub {
    my $server = Chatbot::Server->start(chatbot => <<'CONF');
ChatbotCircuitBreaker errors=1% min=1 window=30s open=10s
<Location "/other">
    SetHandler chatbot
    ChatbotAgent OTHERAGENT
</Location>
<Location "/off">
    SetHandler chatbot
    ChatbotCircuitBreaker Off
</Location>
CONF
    codes($server, 1, '{{status 500}}');
    is_deeply([ codes($server, 1, 'Hello') ], ['circuit_open'], 'open for this agent');
    my $ask = sub { $server->request('POST', $_[0], body => { message => 'Hello' })->{status} };
    is($ask->('/other'), 200, 'not for another one');
    is($ask->('/off'), 200, 'nor where it is off');
    $server->stop_ok;
};

subtest 'values' => sub {
    for my $case ([ 'errors=0%', 'errors=50%' ], [ 'errors=101', 'errors=50%' ], [ 'min=0', 'min=20' ], [ 'window=x', 'time' ],
        [ 'open=0', 'time' ], [ 'often', 'Off' ], [ '', 'Off' ]) {
        my ($status, $output) = Chatbot::Server->configtest(
            chatbot => "ChatbotCircuitBreaker $case->[0]\n");
        isnt($status, 0, "'$case->[0]' is refused");
        like($output, qr/ChatbotCircuitBreaker.*\Q$case->[1]\E/, 'and what to write');
    }
};

done_testing();
