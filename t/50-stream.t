#!/usr/bin/env perl
# Answers streamed as Server-Sent Events: delta by delta, whole characters, signs of life, errors, slow readers,
# clients that leave. ChatbotStream, ChatbotStreamHeartbeat, ChatbotTimeout stream=.
use strict;
use warnings;
use utf8;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time sleep);
use Chatbot::Events qw(events_of text_of);
use Chatbot::Server;

my $server = Chatbot::Server->start(chatbot => 'ChatbotStreamHeartbeat 200ms', config => <<'CONF');
<Location "/whole">
    SetHandler chatbot
    ChatbotStream Off
</Location>
<Location "/short">
    SetHandler chatbot
    ChatbotTimeout stream=700ms
</Location>
CONF
my $emulator = $server->emulator;

sub stream { return Chatbot::Events->open($server, { message => $_[0] }, @_[ 1 .. $#_ ]) }

subtest 'the events of an answer' => sub {
    my $stream = stream('{{words 5}}');
    my $head = $stream->head;
    like($head, qr/\AHTTP\/1\.1 200 /, 'status 200');
    like($head, qr/^Content-Type: text\/event-stream\b/mi, 'an event stream');
    like($head, qr/^X-Accel-Buffering: no\r?$/mi, 'no proxy holds it back');
    like($head, qr/^Cache-Control: no-store\r?$/mi, 'nor keeps it');
    like($head, qr/^X-Request-ID: \S+/mi, 'it has the request id');
    my @events = grep { !exists $_->{comment} } $stream->rest;
    ok($stream->ended, 'the body ends as it should');
    is($events[0]{event}, 'session', 'the first event names the session');
    is_deeply([ sort keys %{ $events[0]{json} } ], [qw(request_id session_id)], 'and the request');
    is($events[-1]{event}, 'done', 'the last one is the end');
    is_deeply([ sort keys %{ $events[-1]{json} } ],
        [qw(processing_time_ms response session_id timestamp tokens_used)], 'a ChatResponse');
    is($events[-1]{json}{session_id}, $events[0]{json}{session_id}, 'of the same session');
    is(text_of(@events), $events[-1]{json}{response}, 'the deltas are the answer');
    is(scalar(grep { $_->{event} !~ /^(?:session|delta|done)$/ } @events), 0, 'nothing else comes');
};

subtest 'as the agent speaks' => sub {
    my $stream = stream('{{chunk-delay 150}}{{words 4}}');
    my @deltas = grep { ($_->{event} // '') eq 'delta' } $stream->rest;
    cmp_ok(scalar @deltas, '>=', 4, 'word by word');
    cmp_ok($deltas[-1]{at} - $deltas[0]{at}, '>', 0.3, 'while it is made, not at its end');
    my ($call) = reverse $emulator->calls('InvokeAgent');
    ok($call, 'the agent was called');
};

subtest 'asked for by Accept' => sub {
    my $answer = $server->chat('Hello', headers => { Accept => 'text/event-stream' });
    like($answer->{headers}{'content-type'}, qr{^text/event-stream}, 'Accept: text/event-stream');
    $answer = $server->chat('Hello', headers => { Accept => 'application/json, text/event-stream;q=0.5' });
    like($answer->{headers}{'content-type'}, qr{^text/event-stream}, 'among others');
    for my $accept ('text/event-stream;q=0', 'application/json, text/event-stream; v="1" ; Q=0.000, */*') {
        $answer = $server->chat('Hello', headers => { Accept => $accept });
        like($answer->{headers}{'content-type'}, qr{^application/json}, "not where it is refused: $accept");
    }
    $answer = $server->chat('Hello', headers => { Accept => 'text/event-stream;q=0.001' });
    like($answer->{headers}{'content-type'}, qr{^text/event-stream}, 'however little it is wanted');
    $answer = $server->chat('Hello', headers => { Accept => 'text/event-streams' });
    like($answer->{headers}{'content-type'}, qr{^application/json}, 'not by half of it');
    $answer = $server->chat({ message => 'Hello', stream => JSON::PP::false });
    like($answer->{headers}{'content-type'}, qr{^application/json}, 'stream: false');
    $answer = $server->request('POST', '/whole', body => { message => 'Hello', stream => JSON::PP::true });
    like($answer->{headers}{'content-type'}, qr{^application/json}, 'ChatbotStream Off');
    $answer = $server->chat({ message => 'Hello', stream => 'perhaps' });
    is($answer->{status}, 422, 'a stream that is no truth value is refused');
    is($answer->{json}{detail}[0]{type}, 'bool_parsing', 'in the words of Pydantic');
};

subtest 'whole characters only' => sub {
    my $text = 'zażółć gęślą jaźń – 日本語のテキスト 😀🎉';
    my @events = stream("{{unicode}}{{chunk-delay 5}}{{echo}}$text")->rest;
    my @deltas = grep { ($_->{event} // '') eq 'delta' } @events;
    cmp_ok(scalar @deltas, '>', 3, 'in pieces that cut characters');
    is(scalar(grep { !defined $_->{json} } @deltas), 0, 'each delta is JSON in UTF-8');
    is(text_of(@events), $events[-1]{json}{response}, 'and together they are the answer');
    like(text_of(@events), qr/\Q$text\E/, 'which is what was said');
};

subtest 'signs of life' => sub {
    my $stream = stream('{{delay 700}}Hello');
    my $asked = time();
    my @events = $stream->rest;
    my @beats = grep { exists $_->{comment} } @events;
    cmp_ok(scalar @beats, '>=', 2, 'comments come before the first token');
    cmp_ok($beats[0]{at} - $asked, '<', $ENV{SANITIZER} ? 0.69 : 0.6, 'every ChatbotStreamHeartbeat');
    is($events[-1]{event}, 'done', 'and the answer afterwards');
};

subtest 'errors' => sub {
    my $answer = $server->chat({ message => '{{error AccessDenied}}', stream => JSON::PP::true });
    is($answer->{status}, 502, 'before the first byte an error is an ordinary status');
    is($answer->{json}{error_code}, 'upstream_access_denied', 'with the ordinary body');
    my @events = stream('{{stream-error throttling 2}}{{words 9}}')->rest;
    is($events[-1]{event}, 'error', 'behind text it is the last event');
    is($events[-1]{json}{error_code}, 'upstream_throttled', 'with the error body');
    ok(length text_of(@events), 'and the text before it was delivered');
    @events = stream('{{delay 450}}{{error AccessDenied}}')->rest;
    is($events[-1]{event}, 'error', 'behind a sign of life too');
    is($events[-1]{json}{error_code}, 'upstream_access_denied', 'as it is');
    @events = stream('{{hang-after 2}}', path => '/short')->rest;
    is($events[-1]{json}{error_code}, 'upstream_timeout', 'ChatbotTimeout stream= ends one that hangs');
    for my $cut ('{{cut-hard 9000}}', '{{cut 9000}}') {
        @events = stream($cut . '{{chunk-delay 2}}{{words 500}}')->rest;
        ok(length text_of(@events), "$cut: its text was on its way");
        is($events[-1]{event}, 'error', 'a cut answer is never done');
        is($events[-1]{json}{error_code}, 'upstream_protocol_error', 'but an error');
    }
};

subtest 'a client that leaves' => sub {
    for my $how (qw(close reset)) {
        for my $phase ([ 'before the first token', '{{delay 8000}}x' ], [ 'in mid-stream', '{{chunk-delay 300}}{{words 60}}' ]) {
            my ($name, $message) = @$phase;
            my $before = $emulator->count('cancelled');
            my $stream = stream($message);
            if ($name eq 'in mid-stream') { $stream->next_event for 1 .. 3 }
            else { Chatbot::Httpd::wait_for(5, sub { $emulator->count('in_progress') > 0 }) }
            my $left = time();
            $stream->client->$how;
            my $ok = Chatbot::Httpd::wait_for(3, sub { $emulator->count('cancelled') > $before });
            ok($ok, "$how $name: the call to the agent is cancelled");
            diag(sprintf "cancelled after %.0f ms", 1000 * (time() - $left)) if $ENV{TEST_VERBOSE};
        }
    }
    like($server->error_log, qr/CHAT0303: .*client_gone/, 'and the log says so');
};

subtest 'a client that only stops sending' => sub {
    my $stream = stream('{{chunk-delay 100}}{{words 12}}');
    $stream->next_event for 1 .. 2;
    $stream->client->half_close;
    my @events = $stream->rest;
    is($events[-1]{event}, 'done', 'a half-closed connection gets the whole answer');
};

subtest 'a slow reader holds up its own upstream only' => sub {
    my $before = $emulator->count('in_progress');
    my $slow = stream('{{bytes 4000000}}', client => { receive_buffer => 4096 }, timeout => 60);
    $slow->next_event for 1 .. 2;
    my $asked = time();
    is($server->chat('Hello')->{status}, 200, 'others are answered meanwhile');
    cmp_ok(time() - $asked, '<', $ENV{SANITIZER} ? 8 : 1, 'at once');
    is(scalar(grep { $server->chat('Hello')->{status} != 200 } 1 .. 30), 0, 'more of them than there are threads');
    my @events = $slow->rest;
    is($events[-1]{event}, 'done', 'it gets everything in the end');
    is(length text_of(@events) > 3_000_000, 1, 'all of it');
};

subtest 'next to other requests on one connection' => sub {
    my $client = $server->client;
    for my $turn (1 .. 3) {
        my $answer = $client->request('POST', '/chat', body => { message => "{{words $turn}}", stream => JSON::PP::true });
        is($answer->{status}, 200, 'streamed');
        my @events = events_of($answer->{body});
        is($events[-1]{event}, 'done', 'to its end');
        is($client->request('GET', '/health')->{status}, 200, 'then another request');
    }
    my $pipelined = $server->client;
    my $request = $pipelined->compose('POST', '/chat', body => { message => 'one', stream => JSON::PP::true });
    $pipelined->send($request . $request . $pipelined->compose('GET', '/health'));
    is($pipelined->answer('POST')->{status}, 200, 'pipelined: the first');
    is($pipelined->answer('POST')->{status}, 200, 'the second');
    is($pipelined->answer('GET')->{json}{status}, 'healthy', 'and what came behind them');
};

$server->stop_ok;
done_testing;
