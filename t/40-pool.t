#!/usr/bin/env perl
# Connections to AWS are kept and few; what AWS's errors come to when their body is empty, HTML or cut; AWS's request ids.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Load;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $chats = $ENV{SANITIZER} ? 1000 : 10_000;

subtest "$chats chats, 50 at once" => sub {
    $emulator->reset_state;
    my $server = Chatbot::Server->start(log_level => 'warn');
    my $before = $emulator->state->{connections}{used};
    my $result = Chatbot::Load->run($server->port, -c => 50, -n => $chats, 'POST /chat {"message":"{{delay 5}} Hello"}');
    is_deeply($result->{statuses}, { 200 => $chats }, 'all are answered') or diag(explain($result));
    my $connections = $emulator->count('new_connections');
    note("$connections connections to AWS for $chats chats");
    cmp_ok($connections, '<=', 60, 'over about 50 connections');
    is($emulator->count('calls'), $chats, 'one call each');
    ok(Chatbot::Httpd::wait_for(5, sub { $emulator->state->{connections}{used} - $before <= 60 }), 'the stand-in counts no more');
    $server->stop_ok;
};

subtest 'more at once than before, and fewer' => sub {
    $emulator->reset_state;
    my $server = Chatbot::Server->start(log_level => 'warn');
    for my $at_once (200, 20, 200) {
        my $result = Chatbot::Load->run($server->port, -c => $at_once, -n => 5 * $at_once, 'POST /chat {"message":"{{delay 50}} Hello"}');
        is_deeply($result->{statuses}, { 200 => 5 * $at_once }, "$at_once at once") or diag(explain($result));
    }
    my $connections = $emulator->count('new_connections');
    cmp_ok($connections, '<=', 250, 'the pool keeps what a burst has opened');
    note("$connections connections to AWS");
    $server->stop_ok;
};

# -- AWS's errors, in whatever body --------------------------------------------------------------

my $server = Chatbot::Server->start(chatbot => "ChatbotRetry attempts=1\n");
my $UUID = qr/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

# The answer; the log's line about it has AWS's request id when the access log has one.
sub outcome_is {
    my ($commands, $status, $code, $has_id) = @_;
    return subtest "$commands: $status $code" => sub {
        my $answer = $server->chat("$commands Hello");
        is($answer->{status}, $status, "status $status");
        is($answer->{json}{error_code}, $code, $code);
        unlike($answer->{body}, qr/<html|Exception|arn:/i, 'nothing of the inside');
        my $id = $answer->{headers}{'x-request-id'};
        my $notes = $server->notes($id);
        is($notes->{outcome}, $code, 'the outcome in the access log');
        my ($line) = $server->error_log =~ /(CHAT0301: request \Q$id\E.*)/;
        like($line // '', qr/ \Q$code\E: (?:reading|waiting|InvokeAgent|connecting)/, 'the log has the phase');
        if ($has_id) {
            like($notes->{'aws-request-id'}, qr/^$UUID$/, 'AWS\'s request id in the access log');
            like($line // '', qr/AWS request \Q$notes->{'aws-request-id'}\E/, 'and in the line');
        } else {
            is($notes->{'aws-request-id'}, '-', 'no request id in the access log');
        }
    };
}

# A status is all there is, as from a load balancer.
for my $row ([ 400, 502, 'upstream_error' ], [ 401, 502, 'upstream_access_denied' ], [ 403, 502, 'upstream_access_denied' ],
    [ 404, 502, 'upstream_error' ], [ 408, 408, 'upstream_timeout' ], [ 409, 409, 'session_busy' ], [ 424, 502, 'dependency_failed' ],
    [ 429, 429, 'upstream_throttled' ], [ 500, 502, 'upstream_error' ], [ 502, 502, 'upstream_error' ], [ 503, 502, 'upstream_error' ],
    [ 504, 408, 'upstream_timeout' ]) {
    my ($from, $status, $code) = @$row;
    outcome_is("{{status $from}}", $status, $code, 0);
    outcome_is("{{html $from}}", $status, $code, 0);
}

# The code is in a header, whatever became of the body.
for my $row ([ validationException => 502, 'upstream_error' ], [ serviceQuotaExceededException => 502, 'upstream_error' ],
    [ accessDeniedException => 502, 'upstream_access_denied' ], [ resourceNotFoundException => 502, 'upstream_error' ],
    [ conflictException => 409, 'session_busy' ], [ dependencyFailedException => 502, 'dependency_failed' ],
    [ modelNotReadyException => 502, 'upstream_error' ], [ throttlingException => 429, 'upstream_throttled' ],
    [ internalServerException => 502, 'upstream_error' ], [ badGatewayException => 502, 'dependency_failed' ]) {
    my ($name, $status, $code) = @$row;
    outcome_is("{{error $name}}$_", $status, $code, 1) for '', '{{cut 0}}', '{{cut 10}}', '{{cut-hard 10}}', '{{split 1}}';
    outcome_is("{{stream-error $name}}", $status, $code, 1);
}

# What is no answer at all.
outcome_is('{{bad-crc}}', 502, 'upstream_protocol_error', 1);
outcome_is('{{words 50}}{{cut 300}}', 502, 'upstream_protocol_error', 1);
outcome_is('{{words 50}}{{cut-hard 300}}', 502, 'upstream_protocol_error', 1);
outcome_is('{{words 50}}{{reset-after 300}}', 502, 'upstream_protocol_error', 1);
outcome_is('{{empty}}', 502, 'upstream_protocol_error', 1);
outcome_is('{{garbage}}', 502, 'upstream_protocol_error', 0);
outcome_is('{{reset}}', 502, 'upstream_error', 0);
outcome_is('{{error internalServerException}}{{no-request-id}}', 502, 'upstream_error', 0);

subtest 'AWS\'s request id of a success' => sub {
    my $answer = $server->chat('Hello');
    like($server->notes($answer->{headers}{'x-request-id'})->{'aws-request-id'}, qr/^$UUID$/, 'is in the access log');
};

$server->stop_ok;
done_testing();
