#!/usr/bin/env perl
# What is repeated, how often, when, and what never is. The stand-in's journal has every call that arrived.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Load;
use Chatbot::Relay;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $slow = $ENV{SANITIZER} ? 5 : 1;
my $server = Chatbot::Server->start;

# One chat while the first calls get these commands: the answer with its seconds, notes and calls.
sub chat_with {
    my ($on, $times, $commands, $message) = @_;
    $emulator->reset_state;
    $emulator->faults({ operation => 'InvokeAgent', commands => $commands, times => $times }) if $times;
    my $started = time();
    my $answer = $on->chat($message // 'Hello');
    $answer->{took}  = time() - $started;
    $answer->{notes} = $on->notes($answer->{headers}{'x-request-id'} // 'none');
    $answer->{calls} = [ $emulator->calls('InvokeAgent') ];
    return $answer;
}

# -- what is repeated ----------------------------------------------------------------------------

my @REPEATED = ('{{error throttlingException}}', '{{error TooManyRequestsException 429}}', '{{status 429}}', '{{status 503}}', '{{html 503}}',
    '{{error serviceUnavailableException 503}}', '{{error modelNotReadyException}}', '{{stream-error throttlingException}}',
    '{{stream-error modelNotReadyException}}', '{{stream-error-code ThrottlingException x}}{{empty}}');
for my $commands (@REPEATED) {
    subtest "$commands is repeated" => sub {
        my $answer = chat_with($server, 1, $commands);
        is($answer->{status}, 200, 'the chat is answered');
        is(scalar @{ $answer->{calls} }, 2, 'two calls');
        is($answer->{notes}{retries}, 1, 'one retry in the access log');
        like($answer->{json}{response}, qr/^\S.*$/, 'with one answer');
        unlike($answer->{body}, qr/error/i, 'and no trace of the error');
    };
}

subtest 'each attempt is a request of its own' => sub {
    my $answer = chat_with($server, 2, '{{status 503}}{{amz-retry-after 2100}}');
    is($answer->{status}, 200, 'the third attempt is answered');
    my @headers = map { $_->{headers} } @{ $answer->{calls} };
    is_deeply([ map { $_->{'amz-sdk-request'} } @headers ], [ map { "attempt=$_; max=3" } 1 .. 3 ], 'amz-sdk-request counts up');
    like($headers[0]{'amz-sdk-invocation-id'}, qr/^[0-9a-f]{8}-[0-9a-f-]{27}$/, 'amz-sdk-invocation-id is a UUID');
    is(scalar(keys %{ { map { $_->{'amz-sdk-invocation-id'} => 1 } @headers } }), 1, 'the same for all attempts');
    is(scalar(keys %{ { map { $_->{'x-amz-date'} => 1 } @headers } }), 3, 'each is signed for its own second');
    is(scalar(grep { $_->{signature} ne 'ok' } @{ $answer->{calls} }), 0, 'and signed well');
    isnt(chat_with($server, 0)->{calls}[0]{headers}{'amz-sdk-invocation-id'}, $headers[0]{'amz-sdk-invocation-id'}, 'another chat has another');
};

# -- what never is -------------------------------------------------------------------------------

for my $commands ('{{status 500}}', '{{status 502}}', '{{status 504}}', '{{html 502}}', '{{error internalServerException}}', '{{error badGatewayException}}',
    '{{error dependencyFailedException}}', '{{error validationException}}', '{{error accessDeniedException}}', '{{error conflictException}}',
    '{{stream-error internalServerException}}', '{{stream-error dependencyFailedException}}', '{{stream-error-code SomethingNew x}}{{empty}}',
    '{{words 20}}{{stream-error throttlingException 3}}', '{{words 20}}{{stream-error modelNotReadyException 1}}', '{{bad-crc}}', '{{bad-prelude}}',
    '{{words 50}}{{cut 300}}', '{{cut 5}}', '{{cut 0}}', '{{words 50}}{{cut-hard 300}}', '{{reset}}', '{{words 50}}{{reset-after 300}}', '{{garbage}}', '{{empty}}') {
    my $answer = chat_with($server, 0, '', "$commands Hello");
    cmp_ok($answer->{status}, '>=', 400, "$commands: an error");
    is(scalar @{ $answer->{calls} }, 1, "$commands: exactly one call");
    is($answer->{notes}{retries}, 0, "$commands: no retry in the access log");
}

subtest 'no answer in time' => sub {
    my $short = Chatbot::Server->start(chatbot => 'ChatbotTimeout total=1500ms first=500ms idle=500ms');
    for my $commands ('{{hang}}', '{{words 20}}{{hang-after 1}}') {
        my $answer = chat_with($short, 0, '', "$commands Hello");
        is($answer->{status}, 408, "$commands: 408");
        is(scalar @{ $answer->{calls} }, 1, "$commands: exactly one call, though there was time for another");
    }
    my $answer = chat_with($short, 1, '{{error modelNotReadyException}}', '{{split 1}}{{words 500}}');
    is($answer->{status}, 408, 'the turn\'s time ends in its second call: 408');
    is(scalar @{ $answer->{calls} }, 2, 'two calls');
    is($answer->{notes}{retries}, 1, 'and one retry in the access log');
    $short->stop_ok;
};

# -- attempts, waits, deadline -------------------------------------------------------------------

subtest 'attempts' => sub {
    my $answer = chat_with($server, 0, '', '{{status 503}}');
    is($answer->{status}, 502, 'all attempts fail: the error of the last one');
    is(scalar @{ $answer->{calls} }, 3, 'three of them');
    is($answer->{notes}{retries}, 2, 'two retries in the access log');
    $answer = chat_with($server, 0, '', '{{error throttlingException}}');
    is($answer->{json}{error_code}, 'upstream_throttled', 'throttled beyond the retries: upstream_throttled');
    like($answer->{headers}{'retry-after'}, qr/^[1-9]\d*$/, 'with Retry-After');
    is(scalar @{ $answer->{calls} }, 3, 'after three attempts');
    like($server->error_log, qr/CHAT0104: InvokeAgent: attempt 3 of 3 in \d+ ms: .*HTTP 503/, 'the log has each retry');
};

for my $case ([ 'attempts=1', 1 ], [ 'attempts=5', 5 ], [ 'attempts=5 bucket=0', 1 ], [ 'bucket=28', 3 ], [ 'bucket=27', 2 ]) {
    my ($value, $calls) = @$case;
    my $other = Chatbot::Server->start(chatbot => "ChatbotRetry $value\n");
    is(scalar @{ chat_with($other, 0, '', '{{status 503}}')->{calls} }, $calls, "ChatbotRetry $value: $calls calls");
    $other->stop_ok;
}

subtest 'AWS_MAX_ATTEMPTS' => sub {
    my $other = Chatbot::Server->start(env => { AWS_MAX_ATTEMPTS => 2 });
    is(scalar @{ chat_with($other, 0, '', '{{status 503}}')->{calls} }, 2, 'counts');
    $other->stop_ok;
    $other = Chatbot::Server->start(env => { AWS_MAX_ATTEMPTS => 2 }, chatbot => "ChatbotRetry attempts=1\n");
    is(scalar @{ chat_with($other, 0, '', '{{status 503}}')->{calls} }, 1, 'but the directive wins');
    $other->stop_ok;
};

subtest 'each virtual host has its own bucket' => sub {
    my $both = Chatbot::Server->start(ports => 1, chatbot => "ChatbotRetry bucket=14\n", config => sub { my ($self) = @_; return <<"VHOST" });
Listen 127.0.0.1:$self->{ports}[0]
<VirtualHost 127.0.0.1:$self->{ports}[0]>
    ChatbotRetry attempts=2
</VirtualHost>
VHOST
    is(scalar @{ chat_with($both, 0, '', '{{status 503}}')->{calls} }, 2, 'one retry takes all of the main server\'s');
    is(scalar @{ chat_with($both, 0, '', '{{status 503}}')->{calls} }, 1, 'so there is no other');
    $emulator->reset_state;
    my $client = Chatbot::Client->new(port => $both->{ports}[0]);
    $client->request('POST', '/chat', body => { message => '{{status 503}}' });
    is($emulator->count('calls'), 2, 'the virtual host still has one');
    $both->stop_ok;
};

subtest 'x-amz-retry-after' => sub {
    my $answer = chat_with($server, 1, '{{error throttlingException}}{{amz-retry-after 1500}}');
    is($answer->{status}, 200, 'the chat is answered');
    cmp_ok($answer->{took}, '>=', 1.49, 'not before its time');
    cmp_ok($answer->{took}, '<', 1.5 + 0.5 * $slow, 'nor long after');
    $answer = chat_with($server, 1, '{{status 503}}{{amz-retry-after 60000}}');
    is($answer->{status}, 200, 'a minute is too long: the chat is answered');
    cmp_ok($answer->{took}, '>=', 4.99, 'after five seconds');
    cmp_ok($answer->{took}, '<', 5.1 + 0.5 * $slow, 'not later');
    for my $value ('-100', 'soon') {
        $answer = chat_with($server, 1, "{{status 503}}{{header x-amz-retry-after $value}}");
        cmp_ok($answer->{took}, '<', 0.5 * $slow, "'$value' is nothing");
    }
    $answer = chat_with($server, 1, '{{status 503}}{{retry-after 1}}');
    cmp_ok($answer->{took}, '>=', 0.99, 'Retry-After counts too');
};

subtest 'the deadline' => sub {
    my $short = Chatbot::Server->start(chatbot => 'ChatbotTimeout total=2 first=2 idle=2');
    my $answer = chat_with($short, 0, '', '{{error throttlingException}}{{amz-retry-after 4000}}');
    is($answer->{json}{error_code}, 'upstream_throttled', 'a wait beyond it: the error itself');
    cmp_ok($answer->{took}, '<', 0.5 * $slow, 'at once');
    is(scalar @{ $answer->{calls} }, 1, 'after one call');
    like($short->error_log, qr/CHAT0105: InvokeAgent: no other attempt: the wait before another attempt would pass the deadline/, 'the log says why');
    $answer = chat_with($short, 1, '{{status 503}}{{amz-retry-after 1000}}', '{{delay 3000}} Hello');
    is($answer->{status}, 408, 'an attempt that takes longer than is left: 408');
    cmp_ok($answer->{took}, '>=', 1.9, 'at the deadline of the whole turn');
    cmp_ok($answer->{took}, '<', 2 + 0.7 * $slow, 'no later');
    $short->stop_ok;
};

# -- connections ---------------------------------------------------------------------------------

sub server_over {
    my ($relay, $chatbot) = @_;
    return Chatbot::Server->start(chatbot => join "\n", 'ChatbotAWSEndpoint bedrock-agent-runtime ' . (ref $relay ? $relay->url : $relay), $chatbot // '');
}

subtest 'nobody listens' => sub {
    my ($port) = Chatbot::Httpd::free_ports(1);
    my $alone = server_over("http://127.0.0.1:$port");
    my $answer = chat_with($alone, 0);
    is($answer->{json}{error_code}, 'upstream_error', 'upstream_error');
    is($answer->{notes}{retries}, 2, 'after two retries');
    $alone->stop_ok;
};

subtest 'a reset before the request was sent whole' => sub {
    my $relay = Chatbot::Relay->start(to => $emulator->aws_port, connections => [ 'reset', 'pass' ]);
    my $large = server_over($relay, "ChatbotMaxBody 20m\nChatbotMaxMessage 20000000\n");
    my $answer = chat_with($large, 0, '', 'Hello ' . 'x' x 12_000_000);
    is($answer->{status}, 200, 'the chat is answered') or diag($answer->{body}, $large->error_log);
    is($answer->{notes}{retries}, 1, 'by another attempt');
    is(scalar @{ $answer->{calls} }, 1, 'one call arrived');
    $large->stop_ok;
};

subtest 'a pooled connection that dies under a request' => sub {
    my $relay = Chatbot::Relay->start(to => $emulator->aws_port, connections => [ 'reset-later', 'pass' ]);
    my $pooled = server_over($relay);
    is(chat_with($pooled, 0)->{status}, 200, 'a chat opens it');
    my $answer = chat_with($pooled, 0);
    is($answer->{json}{error_code}, 'upstream_error', 'the next one, sent on it, is not repeated') or diag($pooled->error_log);
    is($answer->{notes}{retries}, 0, 'neither by us');
    is(scalar @{ $answer->{calls} }, 0, 'nor by libcurl');
    is(chat_with($pooled, 0)->{status}, 200, 'the chat after it is answered');
    $pooled->stop_ok;
};

subtest 'connections that are closed behind each answer' => sub {
    $emulator->reset_state;
    my $count = int(1000 / $slow);
    my $result = Chatbot::Load->run($server->port, -c => 20, -n => $count, 'POST /chat {"message":"{{drop}} Hello"}');
    my $good = $result->{statuses}{200} // 0;
    is($result->{lost}, 0, 'each chat is answered');
    cmp_ok($good, '>=', 0.9 * $count, 'most of them well') or diag(explain($result));
    my %sent;
    $sent{ $_->{headers}{'amz-sdk-invocation-id'} }++ for $emulator->calls('InvokeAgent');
    is(scalar(grep { $_ > 1 } values %sent), 0, 'no call arrived twice');
    cmp_ok(scalar(keys %sent), '>=', $good, 'and each good answer has its own');
};

# -- storms --------------------------------------------------------------------------------------

for my $case ([ '{{status 503}}', 502 ], [ '{{error throttlingException}}', 429 ], [ '{{stream-error throttlingException}}', 429 ]) {
    my ($commands, $status) = @$case;
    subtest "a storm of $commands" => sub {
        my $storm = Chatbot::Server->start;
        $emulator->reset_state;
        my $count = 1000;
        my $result = Chatbot::Load->run($storm->port, -c => 50, -n => $count, qq(POST /chat {"message":"$commands"}));
        is_deeply($result->{statuses}, { $status => $count }, "every chat gets $status") or diag(explain($result));
        my $calls = $emulator->count('calls') / $count;
        cmp_ok($calls, '<', 1.2, 'fewer than 1.2 calls a chat');
        note("$calls calls a chat");
        like($storm->error_log, qr/CHAT0105: .*the retry bucket is empty/, 'the log says why');
        $storm->stop_ok;
    };
}

# -- values --------------------------------------------------------------------------------------

subtest 'values' => sub {
    for my $value ('attempts=0', 'attempts=11', 'attempts=x', 'attempts=', 'bucket=-1', 'bucket=100001', 'tries=3', '3', '') {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => "ChatbotRetry $value\n");
        isnt($status, 0, "'$value' is refused");
        like($text, qr/ChatbotRetry: .*attempts=3 bucket=500/, 'and what to write');
    }
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => "<Location /chat>\nChatbotRetry attempts=3\n</Location>\n");
    like($text, qr/ChatbotRetry (?:cannot occur|not allowed)/, 'nor is it taken in a location');
};

$server->stop_ok;
done_testing();
