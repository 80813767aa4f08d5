#!/usr/bin/env perl
# AWS's clock and this machine's differ: the offset is learnt from answers, and requests are signed by it.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Load;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;

# What the stand-in said of each call's signature, in order.
sub signatures { return map { $_->{signature} } $emulator->calls('InvokeAgent') }
sub refused    { return scalar grep { $_ ne 'ok' } signatures() }

for my $hours (1, -1) {
    subtest "AWS's clock is $hours h ahead" => sub {
        $emulator->reset_state;
        $emulator->set(clock_offset => 3600 * $hours);
        my $server = Chatbot::Server->start(children => 2);
        my $answer = $server->chat('Hello');
        is($answer->{status}, 200, 'the first chat is answered');
        is($server->notes($answer->{headers}{'x-request-id'})->{retries}, 1, 'by its second attempt');
        is_deeply([ signatures() ], [ 'InvalidSignatureException', 'ok' ], 'the first one was refused') or diag(explain([ signatures() ]));
        my $result = Chatbot::Load->run($server->port, '-x', -c => 20, -n => 400, 'POST /chat {"message":"{{delay 20}} Hello"}');
        is_deeply($result->{statuses}, { 200 => 400 }, 'so are 400 more') or diag(explain($result));
        # Those of a child that were under way when its first answer came were signed by its own clock.
        cmp_ok(refused(), '<=', 1 + 20, 'only what the other child sent before its first answer was refused');
        my $before = refused();
        $result = Chatbot::Load->run($server->port, '-x', -c => 20, -n => 400, 'POST /chat {"message":"Hello"}');
        is_deeply($result->{statuses}, { 200 => 400 }, 'and 400 more');
        is(refused(), $before, 'of which none was refused');
        is(() = $server->error_log =~ /CHAT0104: /g, $before, 'the log has each of those retries, and no other');

        $emulator->set(clock_offset => 0);
        is($server->chat('Hello')->{status}, 200, 'the clock is put right: the next chat is answered');
        $result = Chatbot::Load->run($server->port, '-x', -c => 20, -n => 200, 'POST /chat {"message":"Hello"}');
        is_deeply($result->{statuses}, { 200 => 200 }, 'and the chats after it');
        $server->stop_ok;
    };
}

subtest 'four chats in a row on one child: one refusal' => sub {
    $emulator->reset_state;
    $emulator->set(clock_offset => 3600);
    my $server = Chatbot::Server->start;
    is($server->chat('Hello')->{status}, 200, "chat $_") for 1 .. 4;
    is_deeply([ signatures() ], [ 'InvalidSignatureException', ('ok') x 4 ], 'the offset is kept');
    $server->stop_ok;
};

subtest 'it is learnt from answers that are no refusal, too' => sub {
    $emulator->reset_state;
    my $server = Chatbot::Server->start;
    # A lie of ten minutes in an error that is not about the clock: later requests are signed by it.
    is($server->chat('{{error validationException}}{{date-offset 600}} Hello')->{status}, 502, 'an error with another Date');
    my $answer = $server->chat('Hello');
    is($answer->{status}, 200, 'the next chat is answered');
    is_deeply([ signatures() ], [ 'ok', 'InvalidSignatureException', 'ok' ], 'after a refusal that had the right Date');
    $server->stop_ok;
};

subtest 'what nothing is learnt from' => sub {
    for my $commands ('{{date-offset 600}}', '{{error validationException}}{{date-offset 600}}{{header Age 1}}',
        '{{error validationException}}{{no-date}}') {
        $emulator->reset_state;
        my $server = Chatbot::Server->start;
        $server->chat("$commands Hello");
        is($server->chat('Hello')->{status}, 200, "$commands: the next chat is answered");
        is(refused(), 0, "$commands: and was not refused");
        $server->stop_ok;
    }
};

subtest 'a refusal that the clock does not explain' => sub {
    $emulator->reset_state;
    my $server = Chatbot::Server->start(env => { AWS_SECRET_ACCESS_KEY => 'not-the-secret-of-the-stand-in-at-all-00' });
    is($server->chat('Hello')->{json}{error_code}, 'upstream_access_denied', 'upstream_access_denied');
    is($emulator->count('calls'), 1, 'after one call');
    $server->stop_ok;
};

subtest 'AWS_DISABLE_CLOCK_SKEW_CORRECTION' => sub {
    $emulator->reset_state;
    $emulator->set(clock_offset => 3600);
    my $server = Chatbot::Server->start(env => { AWS_DISABLE_CLOCK_SKEW_CORRECTION => 'true' });
    is($server->chat('Hello')->{json}{error_code}, 'upstream_access_denied', 'upstream_access_denied');
    is($server->chat('Hello')->{json}{error_code}, 'upstream_access_denied', 'each time');
    is($emulator->count('calls'), 2, 'one call each');
    $server->stop_ok;
};

subtest 'expiring credentials of a machine whose clock is off' => sub {
    $emulator->reset_state;
    $emulator->set(clock_offset => -3600, container_lifetime => 6 * 3600);
    my $server = Chatbot::Server->start(credentials => 0, env => { $emulator->container_credentials });
    is($server->chat('Hello')->{status}, 200, 'a chat is answered');
    $server->stop_ok;
};

done_testing();
