#!/usr/bin/env perl
# Everything that can go wrong at AWS, and what a client gets to see of it.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;

my $server = Chatbot::Server->start(chatbot => 'ChatbotTimeout total=8');

sub outcome_is {
    my ($commands, $status, $code, $name) = @_;
    my $answer = $server->chat("$commands Hello");
    return subtest $name // $commands => sub {
        is($answer && $answer->{status}, $status, "status $status");
        is($answer->{json}{error_code}, $code, $code);
        ok($answer->{json}{request_id}, 'request_id');
        ok(!ref $answer->{json}{detail} && length $answer->{json}{detail}, 'detail is a text');
        unlike($answer->{body}, qr/arn:|amazonaws|Exception|AKIA|AGENT12345|127\.0\.0\.1/i, 'nothing of the inside');
        like($answer->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, 'Retry-After') if $status == 429 || $status == 503;
    };
}

# Each error that the service models: its name, and what it means for the client.
my @modelled = (
    [ ValidationException           => 502, 'upstream_error' ],
    [ ServiceQuotaExceededException => 502, 'upstream_error' ],
    [ AccessDeniedException         => 502, 'upstream_access_denied' ],
    [ ResourceNotFoundException     => 502, 'upstream_error' ],
    [ ConflictException             => 502, 'upstream_error' ],
    [ DependencyFailedException     => 502, 'dependency_failed' ],
    [ ModelNotReadyException        => 502, 'upstream_error' ],
    [ ThrottlingException           => 429, 'upstream_throttled' ],
    [ InternalServerException       => 502, 'upstream_error' ],
    [ BadGatewayException           => 502, 'dependency_failed' ],    # "an issue with a dependency", says AWS
);
for my $row (@modelled) {
    my ($name, $status, $code) = @$row;
    my $member = lcfirst $name;
    # A busy session upstream is the same to the client as one that is busy here.
    ($status, $code) = (409, 'session_busy') if $name eq 'ConflictException';
    outcome_is("{{error $member}}", $status, $code, "$name as the answer");
    outcome_is("{{stream-error $member 0}}", $status, $code, "$name in the stream, before any text");
    outcome_is("{{words 20}}{{stream-error $member 3}}", $status, $code, "$name in the stream, after some text");
}

outcome_is('{{stream-error-code SomethingNew}}', 502, 'upstream_error', 'an unmodelled error in the stream');
outcome_is('{{cut 40}}', 502, 'upstream_protocol_error', 'a stream that ends inside a frame');
outcome_is('{{cut 5}}', 502, 'upstream_protocol_error', 'a stream that ends inside the first prelude');
outcome_is('{{bad-crc}}', 502, 'upstream_protocol_error', 'a wrong message CRC');
outcome_is('{{bad-prelude}}', 502, 'upstream_protocol_error', 'a wrong prelude CRC');
outcome_is('{{garbage}}', 502, 'upstream_protocol_error', 'no event stream at all');
outcome_is('{{empty}}', 502, 'upstream_protocol_error', 'an answer without text and without error');

for my $case ([ '{{status 500}}' ], [ '{{status 503}}' ], [ '{{html 502}}' ], [ '{{reset}}' ], [ '{{cut-hard 60}}' ]) {
    my $answer = $server->chat("$case->[0] Hello");
    is($answer->{status}, 502, "$case->[0]: 502");
    like($answer->{json}{error_code} // '', qr/^upstream_(?:error|protocol_error)$/, "$case->[0]: upstream's fault");
}

subtest 'a good answer that needs care' => sub {
    for my $commands ('{{split 1}}', '{{unknown-event}}', '{{no-tokens}}', '{{unicode}}', '{{chunk-delay 5}}', '{{http10}}') {
        my $answer = $server->chat("$commands Hello");
        is($answer->{status}, 200, "$commands: 200");
        ok(length($answer->{json}{response} // ''), "$commands: a text");
    }
    is($server->chat('{{no-tokens}} Hello')->{json}{tokens_used}, undef, 'unknown tokens are null, not 0');
    my $long = $server->chat('{{words 5000}}');
    is($long->{status}, 200, '5,000 words');
    is(scalar(split ' ', $long->{json}{response}), 5000, 'all of them');
};

subtest 'time runs out' => sub {
    my $short = Chatbot::Server->start(chatbot => 'ChatbotTimeout total=1');
    for my $commands ('{{hang}}', '{{words 20}}{{hang-after 100}}', '{{delay 5000}}') {
        my $started = time();
        my $answer = $short->chat("$commands Hello");
        my $took = time() - $started;
        is($answer->{status}, 408, "$commands: 408");
        is($answer->{json}{error_code}, 'upstream_timeout', "$commands: upstream_timeout");
        cmp_ok($took, '>', 0.9, "$commands: not before its time");
        cmp_ok($took, '<', $ENV{SANITIZER} ? 6 : 2.5, "$commands: nor long after");
    }
    $short->stop_ok;
    my $gateway = Chatbot::Server->start(chatbot => "ChatbotTimeout total=1\nChatbotTimeoutStatus 504");
    is($gateway->chat('{{hang}} Hello')->{status}, 504, 'ChatbotTimeoutStatus 504');
    $gateway->stop_ok;
};

subtest 'nobody listens there' => sub {
    my ($port) = Chatbot::Httpd::free_ports(1);
    my $alone = Chatbot::Server->start(emulator => 0, chatbot => "ChatbotAWSEndpoint * http://127.0.0.1:$port");
    my $answer = $alone->chat('Hello');
    is($answer->{status}, 502, 'status 502');
    is($answer->{json}{error_code}, 'upstream_error', 'upstream_error');
    $alone->stop_ok;
};

subtest 'the wrong key' => sub {
    my $wrong = Chatbot::Server->start(env => { AWS_SECRET_ACCESS_KEY => 'not-the-secret-of-the-stand-in-at-all-00' });
    my $answer = $wrong->chat('Hello');
    is($answer->{status}, 502, 'status 502');
    is($answer->{json}{error_code}, 'upstream_access_denied', 'upstream_access_denied');
    unlike($wrong->error_log, qr/not-the-secret/, 'the secret is not in the log');
    $wrong->stop_ok;
};

unlike($server->error_log, qr/emulator-secret-key/, 'the secret is not in the log');
like($server->error_log, qr/CHAT\d{4}: /, 'the log says what happened');
$server->stop_ok;
done_testing();
