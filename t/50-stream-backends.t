#!/usr/bin/env perl
# Streams of every backend: text as it is made, errors in the middle, signs of life, clients that leave, slow readers,
# and what was said before.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Events qw(text_of);
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $server = Chatbot::Server->start(quiet => 0, modules => ['socache_shmcb'], chatbot => <<"CONF");
ChatbotRateLimit Off
ChatbotMetrics Off
ChatbotCircuitBreaker Off
ChatbotSessionStore shmcb
ChatbotStreamHeartbeat 200ms
ChatbotModel llama3
ChatbotAgentCore arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/chat_agent-AbCdEf0123
ChatbotOpenAI @{[ $emulator->aws_url ]}/openai/v1
<LocationMatch "^/(?:converse|runtime|openai)\$">
    SetHandler chatbot
</LocationMatch>
<Location "/converse">
    ChatbotBackend converse
</Location>
<Location "/runtime">
    ChatbotBackend agentcore
</Location>
<Location "/openai">
    ChatbotBackend openai
</Location>
CONF

# Of each: its path, the stand-in's operation, a command that goes with each message, an error behind the first
# words, and what that is for the visitor. A document comes as one piece.
my %backends = (
    'an agent'                     => { path => '/chat', operation => 'InvokeAgent', error => '{{stream-error throttling 2}}', code => 'upstream_throttled' },
    'a model'                      => { path => '/converse', operation => 'ConverseStream', error => '{{stream-error modelStreamErrorException 2}}', code => 'upstream_error' },
    'a runtime that sends events'  => { path => '/runtime', operation => 'InvokeAgentRuntime', with => '{{form sse}}', error => '{{stream-error ValueError 2}}', code => 'dependency_failed' },
    'a runtime that sends JSON'    => { path => '/runtime', operation => 'InvokeAgentRuntime', with => '{{form response}}', whole => 1, error => '{{delay 450}}{{cut-hard 60}}', code => 'upstream_protocol_error' },
    'a runtime that sends text'    => { path => '/runtime', operation => 'InvokeAgentRuntime', with => '{{form text}}', error => '{{stream-error ValueError 2}}', code => 'upstream_protocol_error' },
    'a server of OpenAI\'s API'    => { path => '/openai', operation => 'ChatCompletions', error => '{{stream-error server_error 2}}', code => 'upstream_error' },
);

sub stream {
    my ($backend, $message, %more) = @_;
    my $with = $backend->{with} // '';
    return Chatbot::Events->open($server, { message => "$with$message", %more }, path => $backend->{path});
}

sub deltas { return grep { ($_->{event} // '') eq 'delta' } @_ }

sub check_events {
    my ($backend) = @_;
    my @events = grep { !exists $_->{comment} } stream($backend, '{{chunk-delay 250}}{{words 4}}')->rest;
    is($events[0]{event},  'session', 'the session comes first');
    is($events[-1]{event}, 'done',    'the end last');
    is($events[-1]{json}{session_id}, $events[0]{json}{session_id}, 'of the same session');
    is(text_of(@events), 'word1 word2 word3 word4', 'the text between them');
    is($events[-1]{json}{response}, text_of(@events), 'which is the answer');
    my @deltas = deltas(@events);
    is(scalar(@events), @deltas + 2, 'and nothing else');
    return if $backend->{whole};
    cmp_ok(scalar @deltas, '>=', 3, 'in pieces');
    cmp_ok($deltas[-1]{at} - $deltas[0]{at}, '>', 0.3, 'as they are made');
    return;
}

sub check_error {
    my ($backend) = @_;
    my @events = stream($backend, "$backend->{error}\{{words 90}}")->rest;
    is($events[-1]{event}, 'error', 'an error in the middle is the last event');
    is($events[-1]{json}{error_code}, $backend->{code}, 'as what it is');
    is(text_of(@events), $backend->{whole} ? '' : 'word1 word2', 'behind the text before it');
    return;
}

sub check_heartbeat {
    my ($backend) = @_;
    my @events = stream($backend, '{{delay 700}}{{words 2}}')->rest;
    my ($first) = grep { ($events[$_]{event} // '') eq 'delta' } 0 .. $#events;
    cmp_ok(scalar(grep { exists $_->{comment} } @events[ 0 .. $first - 1 ]), '>=', 2, 'signs of life before the first word');
    is($events[-1]{event}, 'done', 'and the answer');
    return;
}

sub check_cancel {
    my ($backend) = @_;
    my %leave = (close => '{{delay 8000}}x', $backend->{whole} ? () : (reset => '{{chunk-delay 300}}{{words 60}}'));
    for my $how (sort keys %leave) {
        my $before = $emulator->count('cancelled', $backend->{operation});
        my $stream = stream($backend, $leave{$how});
        if ($how eq 'reset') {
            while (my $event = $stream->next_event) { last if ($event->{event} // '') eq 'delta' }
        }
        ok(Chatbot::Httpd::wait_for(5, sub { $emulator->count('in_progress', $backend->{operation}) == 1 }), 'a call is under way');
        my $left = time();
        $stream->client->$how;
        ok(Chatbot::Httpd::wait_for(5, sub { $emulator->count('cancelled', $backend->{operation}) == $before + 1 }),
            "$how: its visitor leaves, it is cancelled");
        diag(sprintf "%s: cancelled after %.0f ms", $backend->{operation}, 1000 * (time() - $left)) if $ENV{TEST_VERBOSE};
    }
    return;
}

sub check_history {
    my ($backend) = @_;
    my @events = stream($backend, 'My name is Ada')->rest;
    is(text_of(@events), 'Nice to meet you, Ada.', 'a first turn');
    @events = stream($backend, 'What is my name?', session_id => $events[-1]{json}{session_id})->rest;
    is(text_of(@events), 'Your name is Ada.', 'is known in the second');
    return;
}

# Bytes that have come from the stand-in and that nobody has read yet.
sub unread {
    my $remote = sprintf '0100007F:%04X', $emulator->aws_port;
    my $sum = 0;
    $sum += hex $_ for Chatbot::Httpd::_slurp('/proc/net/tcp') =~ / $remote [0-9A-F]{2} [0-9A-F]+:([0-9A-F]+) /g;
    return $sum;
}

# The body of a chunked answer, read to its end.
sub drain {
    my ($client, $raw) = @_;
    my $end = time() + 60;
    while (substr($raw, -7) ne "\r\n0\r\n\r\n" && time() < $end) {
        my $bytes = $client->read_some($end - time());
        last if !defined $bytes || $bytes eq '';
        $raw .= $bytes;
    }
    my ($at, $body) = (index($raw, "\r\n\r\n") + 4, '');
    while (substr($raw, $at, 18) =~ /\A([0-9A-Fa-f]+)\r\n/) {
        $body .= substr($raw, $at + $+[0], hex $1);
        $at += $+[0] + hex($1) + 2;
    }
    return $body;
}

sub check_slow_reader {
    my ($backend) = @_;
    my $client = $server->client;
    $client->send($client->compose('POST', $backend->{path},
        body => { message => ($backend->{with} // '') . '{{bytes 5000000}}', stream => JSON::PP::true() }));
    my $raw = '';
    while ($raw !~ /^event: delta/m) {
        my $bytes = $client->read_some(10);
        last if !defined $bytes || $bytes eq '';
        $raw .= $bytes;
    }
    my ($before, $now, $failed) = (-1, -2, 0);
    while ($before != $now) {
        $failed += grep { $server->chat('Hello')->{status} != 200 } 1 .. 5;
        ($before, $now) = ($now, unread());
    }
    is($failed, 0, 'a slow reader holds up nobody else');
    cmp_ok($now, '>', 0, 'but its own upstream') if !$backend->{whole};
    my $body = drain($client, $raw);
    my ($response) = $body =~ /^event: done\ndata: \{"response":"([^"\\]*)"/m;
    my $text = join '', $body =~ /^event: delta\ndata: \{"text":"([^"\\]*)"\}$/mg;
    is(length $text, 5_000_000, 'and gets all of it in the end');
    ok($text eq ($response // ''), 'as it is');
    return;
}

for my $name (sort keys %backends) {
    my $backend = $backends{$name};
    subtest $name => sub {
        check_events($backend);
        check_error($backend);
        check_heartbeat($backend);
        check_cancel($backend);
        check_history($backend);
        check_slow_reader($backend);
    };
}

$server->stop_ok;
done_testing();
