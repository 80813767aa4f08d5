#!/usr/bin/env perl
# OpenAI's API in front of agents and models: completions whole and streamed, models, sessions, the conversation
# that comes with a request, errors of each kind, hostile bodies. ChatbotModelName, ChatbotStream Off.
use strict;
use warnings;
use utf8;
use lib 't/lib';
use Encode qw(encode_utf8);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Events qw(events_of);
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $url      = $emulator->aws_url;
my $true     = JSON::PP::true;

my $server = Chatbot::Server->start(quiet => 0, modules => [qw(socache_shmcb auth_basic authn_core authn_file authz_user)],
    chatbot => <<'SERVER', config => sub { my ($self) = @_; users("$self->{dir}/users"); return <<"CONF" });
ChatbotRateLimit Off
ChatbotMetrics Off
ChatbotCircuitBreaker Off
ChatbotSessionStore shmcb
ChatbotStreamHeartbeat 200ms
SERVER
<Location "/v1">
    SetHandler chatbot-openai
</Location>
<Location "/named/v1">
    SetHandler chatbot-openai
    ChatbotModelName org/bot-1
</Location>
<Location "/converse/v1">
    SetHandler chatbot-openai
    ChatbotBackend converse
    ChatbotModel anthropic.claude-3-haiku-20240307-v1:0
    ChatbotSystemPrompt "Be kind."
</Location>
<Location "/openai/v1">
    SetHandler chatbot-openai
    ChatbotBackend openai
    ChatbotModel llama3
    ChatbotOpenAI $url/openai/v1
</Location>
<Location "/silent/v1">
    SetHandler chatbot-openai
    ChatbotTokenUsage Off
</Location>
<Location "/whole/v1">
    SetHandler chatbot-openai
    ChatbotStream Off
</Location>
<Location "/limited/v1">
    SetHandler chatbot-openai
    ChatbotRateLimit 1 1h
</Location>
<Location "/short/v1">
    SetHandler chatbot-openai
    ChatbotTimeout total=1
    ChatbotMaxBody 1k
</Location>
<Location "/pages/v1">
    SetHandler chatbot-openai
    ErrorDocument 404 "a page of the operator's"
</Location>
<Location "/private/v1">
    SetHandler chatbot-openai
    AuthType Basic
    AuthName chat
    AuthUserFile "$self->{dir}/users"
    Require valid-user
</Location>
CONF

# Ada and Bob, each with the name as the password.
sub users {
    my ($path) = @_;
    Chatbot::Httpd::_write($path, join '', map { "$_:" . crypt($_, '$6$salt') . "\n" } qw(ada bob));
    return;
}

sub user { my ($text) = @_; return { role => 'user', content => $text } }

sub request {
    my ($path, $members, %option) = @_;
    return $server->request('POST', "$path/chat/completions", %option,
        body => { model => 'chatbot', messages => [], %$members });
}

# The members of one request; a text is the message.
sub complete {
    my ($message, %option) = @_;
    my $members = ref $message ? $message : { messages => [ user($message) ] };
    return request(delete $option{path} // '/v1', $members, %option);
}

sub text { return $_[0]{json}{choices}[0]{message}{content} }

sub stream {
    my ($message, %more) = @_;
    my $path = delete $more{path} // '/v1';
    return Chatbot::Events->open($server, { model => 'chatbot', messages => [ user($message) ], %more },
        path => "$path/chat/completions");
}

sub error_is {
    my ($answer, $status, $type, $code, $what) = @_;
    my $error = $answer->{json}{error};
    is_deeply([ $answer->{status}, @{ $error || {} }{qw(type code)} ], [ $status, $type, $code ], $what)
        or diag($answer->{body});
    is_deeply([ sort keys %{ $error || {} } ], [qw(code message param type)], 'in the shape of all errors');
    return $error;
}

subtest 'a completion' => sub {
    my $answer = complete('Hello', headers => { 'X-Request-ID' => 'req-1' });
    is($answer->{status}, 200, 'status 200');
    my $json = $answer->{json};
    is_deeply([ sort keys %$json ], [qw(choices created id model object usage)], 'its members');
    is_deeply([ @$json{qw(id object model)} ], [qw(chatcmpl-req-1 chat.completion chatbot)], 'what it is');
    cmp_ok(abs($json->{created} - time()), '<', 60, 'when');
    like(text($answer), qr/^Hello! I am/, 'the answer');
    is_deeply([ @{ $json->{choices}[0] }{qw(index finish_reason logprobs)} ], [ 0, 'stop', undef ], 'ended by itself');
    my $usage = $json->{usage};
    ok($usage->{prompt_tokens} > 0 && $usage->{completion_tokens} > 0
            && $usage->{total_tokens} == $usage->{prompt_tokens} + $usage->{completion_tokens}, 'the usage');
    is($answer->{headers}{'x-request-id'}, 'req-1', 'the request id');
    is($answer->{headers}{'cache-control'}, 'no-store', 'not to be stored');
    like($answer->{headers}{'x-session-id'}, qr/^[0-9a-f-]{36}$/, 'and its session');
    is($server->notes('req-1')->{outcome}, 'success', 'the access log has the outcome');
    ok(!exists complete('Hello', path => '/silent/v1')->{json}{usage}, 'no usage where it is not known');
    is(complete('{{guardrail}}x')->{json}{choices}[0]{finish_reason}, 'content_filter', 'a guardrail');
    is(text(complete('{{echo}}Grüße, 日本語 😀')), 'Grüße, 日本語 😀', 'all characters');
};

subtest 'a stream' => sub {
    my $stream = stream('{{words 5}}', stream => $true, stream_options => { include_usage => $true });
    my $head = $stream->head;
    like($head, qr/^Content-Type: text\/event-stream\b/mi, 'an event stream');
    like($head, qr/^X-Session-Id: \S+\r?$/mi, 'with its session');
    my @events = grep { !exists $_->{comment} } $stream->rest;
    ok($stream->ended, 'the body ends as it should');
    is((pop @events)->{data}, '[DONE]', '[DONE] is the last event');
    my @chunks = map { $_->{json} } @events;
    is(scalar(grep { $_->{object} ne 'chat.completion.chunk' || $_->{id} ne $chunks[0]{id} || $_->{model} ne 'chatbot'
                || $_->{created} != $chunks[0]{created} } @chunks), 0, 'chunks of one completion');
    is_deeply($chunks[0]{choices}[0]{delta}, { role => 'assistant', content => '', refusal => undef }, 'the role is first');
    my $usage = pop @chunks;
    is_deeply($usage->{choices}, [], 'the last chunk has no choice');
    is($usage->{usage}{total_tokens}, $usage->{usage}{prompt_tokens} + $usage->{usage}{completion_tokens}, 'but the usage');
    is(scalar(grep { !exists $_->{usage} || defined $_->{usage} } @chunks), 0, 'which is null before');
    is($chunks[-1]{choices}[0]{finish_reason}, 'stop', 'the reason is behind the text');
    is(join('', map { $_->{choices}[0]{delta}{content} // '' } @chunks), 'word1 word2 word3 word4 word5', 'the text');
    @events = stream('{{words 2}}', stream => $true)->rest;
    is(scalar(grep { ($_->{data} // '') =~ /usage/ } @events), 0, 'no usage unless asked for');
    @events = stream('{{delay 700}}Hello', stream => $true)->rest;
    cmp_ok(scalar(grep { exists $_->{comment} } @events[ 0 .. 2 ]), '>=', 2, 'signs of life before the first token');
    my @late = stream('{{unicode}}{{chunk-delay 5}}{{echo}}日本語 😀', stream => $true)->rest;
    is(join('', map { ref $_->{json} ? $_->{json}{choices}[0]{delta}{content} // '' : '' } @late), '日本語 😀', 'whole characters');
};

subtest 'models' => sub {
    my $list = $server->request('GET', '/v1/models');
    is($list->{status}, 200, 'the list');
    is_deeply([ $list->{json}{object}, map { $_->{id} } @{ $list->{json}{data} } ], [qw(list chatbot)], 'of the one model');
    my $model = $server->request('GET', '/v1/models/chatbot')->{json};
    is_deeply($model, $list->{json}{data}[0], 'the model itself');
    is($model->{object}, 'model', 'is one');
    is($server->request('HEAD', '/v1/models')->{status}, 200, 'HEAD too');
    is($server->request('GET', '/named/v1/models')->{json}{data}[0]{id}, 'org/bot-1', 'ChatbotModelName');
    is($server->request('GET', '/named/v1/models/org/bot-1')->{json}{id}, 'org/bot-1', 'a name with a slash');
    error_is($server->request('GET', '/named/v1/models/chatbot'), 404, 'invalid_request_error', 'model_not_found', 'another one');
    is(complete({ model => 'org/bot-1', messages => [ user('Hello') ] }, path => '/named/v1')->{json}{model}, 'org/bot-1',
        'the answer names it');
    my $error = error_is(complete({ model => 'gpt-4o', messages => [ user('Hello') ] }), 404, 'invalid_request_error',
        'model_not_found', 'an unknown model');
    like($error->{message}, qr/'gpt-4o'/, 'is named');
};

subtest 'what is elsewhere' => sub {
    error_is($server->request('POST', '/v1/embeddings', body => {}), 404, 'invalid_request_error', 'unknown_url', 'another path');
    error_is($server->request('GET', '/v1'), 404, 'invalid_request_error', 'unknown_url', 'the location itself');
    for (([ GET => '/v1/chat/completions', 'POST, OPTIONS' ], [ POST => '/v1/models', 'GET, HEAD, OPTIONS' ],
        [ DELETE => '/v1/models/chatbot', 'GET, HEAD, OPTIONS' ])) {
        my ($method, $path, $allowed) = @$_;
        my $answer = $server->request($method, $path);
        error_is($answer, 405, 'invalid_request_error', 'method_not_allowed', "$method $path");
        is($answer->{headers}{allow}, $allowed, 'Allow says what is');
    }
    is($server->request('OPTIONS', '/v1/chat/completions')->{status}, 204, 'OPTIONS');
    is($server->request('GET', '/pages/v1/x')->{body}, "a page of the operator's", 'an ErrorDocument wins');
};

subtest 'sessions' => sub {
    my $named = { 'X-Session-Id' => 'my:session-1' };
    is(complete('My name is Ada', headers => $named)->{headers}{'x-session-id'}, 'my:session-1', 'X-Session-Id');
    is(text(complete('What is my name?', headers => $named)), 'Your name is Ada.', 'is the session');
    my $shown = $server->request('GET', '/sessions/my:session-1')->{json};
    is($shown->{turns}, 2, 'which the store has');
    my %id = map {
        my $user = $_;
        $user => complete({ messages => [ user('Hello') ], user => $user })->{headers}{'x-session-id'}
    } ('Ada', 'ada', 'ada ', 'ädä', 'x' x 1024);
    is(scalar(keys %{ { reverse %id } }), 5, 'each user has a session');
    is(scalar(grep { !/^[0-9A-Za-z._:-]{2,100}$/ } values %id), 0, 'whose id can be one');
    is(complete({ messages => [ user('How many?') ], user => 'Ada' })->{headers}{'x-session-id'}, $id{Ada}, 'the same again');
    is($server->request('GET', "/sessions/$id{Ada}")->{status}, 200, 'and kept');
    is($server->request('GET', "/sessions/$id{Ada}")->{json}{user_id}, 'Ada', 'it is theirs');
    is(complete({ messages => [ user('Hello') ], user => 'Eve' }, headers => { 'X-Session-Id' => $id{Ada} })->{status}, 403,
        'and nobody else\'s');
    isnt(complete({ messages => [ user('Hello') ], user => '' })->{headers}{'x-session-id'}, $id{Ada}, 'no user, a new one');
    for my $bad ('a', '..', 'a b', 'x' x 101, "\x{e4}b", '') {
        my $answer = complete('Hello', headers => { 'X-Session-Id' => $bad });
        my $error = error_is($answer, 400, 'invalid_request_error', 'invalid_session_id', 'no session id: ' . encode_utf8($bad));
        is($error->{param}, 'X-Session-Id', 'says where');
    }
    my %who = map { $_ => { Authorization => 'Basic ' . { ada => 'YWRhOmFkYQ==', bob => 'Ym9iOmJvYg==' }->{$_} } } qw(ada bob);
    my ($ada, $bob) = map {
        complete({ messages => [ user('Hello') ], user => 'shared' }, path => '/private/v1', headers => $who{$_})
    } qw(ada bob);
    is_deeply([ $ada->{status}, $bob->{status} ], [ 200, 200 ], 'two who are authenticated and say the same user');
    isnt($ada->{headers}{'x-session-id'}, $bob->{headers}{'x-session-id'}, 'have a session each');
};

my @before = ({ role => 'system', content => 'Be brief.' }, user('My name is Bob'), { role => 'assistant', content => 'Hi Bob' });

subtest 'the conversation so far' => sub {
    my $headers = { 'X-Session-Id' => 'conversation-1' };
    my $history = '{{show sessionState.conversationHistory.messages}}';
    my $told = complete({ messages => [ @before, user($history) ] }, headers => $headers);
    my $messages = JSON::PP->new->decode(text($told));
    is_deeply([ map { "$_->{role}: $_->{content}[0]{text}" } @$messages ], [ 'user: My name is Bob', 'assistant: Hi Bob' ],
        'an agent is told what was said before a new session');
    $told = complete({ messages => [ @before, user($history) ] }, headers => $headers);
    is(text($told), 'null', 'not what it remembers itself');
    $told = complete({ messages => [ @before, user('{{show inputText}}x') ] });
    like(text($told), qr/x$/, 'and answers the last message');
    for my $path (qw(/converse/v1 /openai/v1)) {
        $headers = { 'X-Session-Id' => 'model-' . ($path =~ /(\w+)/)[0] };
        for my $turn (1 .. 2) {
            $told = complete({ messages => [ @before, user('{{show messages}}') ] }, path => $path, headers => $headers);
            my @roles = map { $_->{role} } @{ JSON::PP->new->decode(text($told)) };
            is(join(' ', grep { $_ ne 'system' } @roles), 'user assistant user', "$path, turn $turn: a model hears the request's messages alone");
        }
        is(text(complete({ messages => [ user('{{show messages.1}}') ] }, path => $path, headers => $headers)), 'null',
            'and nothing of the session when it brings none');
    }
    is(text(complete({ messages => [ @before, user('{{show system.1.text}}') ] }, path => '/converse/v1')), 'Be brief.',
        'the request\'s system message is behind the configured one');
    is(text(complete({ messages => [ @before, user('{{show system.0.text}}') ] }, path => '/converse/v1')), 'Be kind.', 'which stays');
    my %asked = (temperature => 0.25, max_tokens => 900, max_completion_tokens => 800);
    is(text(complete({ messages => [ user('{{show inferenceConfig.temperature}}') ], %asked }, path => '/converse/v1')), '0.2500',
        'the temperature goes on');
    is(text(complete({ messages => [ user('{{show inferenceConfig.maxTokens}}') ], %asked }, path => '/converse/v1')), '800',
        'and the most tokens');
    my $cut = complete({ messages => [ user('{{words 100}}') ], max_tokens => 5 }, path => '/openai/v1');
    is($cut->{json}{choices}[0]{finish_reason}, 'length', 'an answer that was cut');
};

subtest 'errors' => sub {
    my %kind = (
        'AccessDenied'        => [ 502, 'server_error', 'upstream_access_denied', undef ],
        'DependencyFailed'    => [ 502, 'server_error', 'dependency_failed', 'false' ],
        'ResourceNotFound'    => [ 502, 'server_error', 'upstream_error', 'false' ],
    );
    for my $name (sort keys %kind) {
        my ($status, $type, $code, $retry) = @{ $kind{$name} };
        my $answer = complete("{{error $name}}");
        error_is($answer, $status, $type, $code, $name);
        is($answer->{headers}{'x-should-retry'}, $retry, 'whether a client may ask again by itself');
    }
    my $answer = complete('{{error throttling}}');
    error_is($answer, 429, 'rate_limit_error', 'upstream_throttled', 'throttled');
    like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'with Retry-After');
    $answer = complete('{{hang}}', path => '/short/v1');
    error_is($answer, 408, 'server_error', 'upstream_timeout', 'no answer in time');
    is($answer->{headers}{'x-should-retry'}, 'false', 'the agent may have acted');
    is(complete('Hello', path => '/limited/v1')->{status}, 200, 'the rate limit');
    $answer = complete('Hello', path => '/limited/v1', headers => { 'X-Request-ID' => 'limited-1' });
    error_is($answer, 429, 'rate_limit_error', 'rate_limit_exceeded', 'is one');
    like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'with Retry-After');
    like($answer->{headers}{ratelimit}, qr/r=0/, 'and the limit');
    is($server->notes('limited-1')->{outcome}, 'rate_limited', 'the access log has our own name of it');
    error_is(complete({ messages => [ user('Hello') ], stream => $true }, path => '/whole/v1'), 400, 'invalid_request_error',
        'unsupported_value', 'a stream where there is none');
    is(complete({ messages => [ user('Hello') ], stream => JSON::PP::false }, path => '/whole/v1')->{status}, 200, 'but for it');
    error_is(complete({ messages => [ user('x' x 2000) ] }, path => '/short/v1'), 413, 'invalid_request_error', 'body_too_large',
        'a long body');
    error_is($server->request('POST', '/v1/chat/completions', body => 'a=b', headers => { 'Content-Type' => 'text/plain' }), 415,
        'invalid_request_error', 'unsupported_media_type', 'no JSON');
    error_is(complete('x' x 4001), 400, 'invalid_request_error', 'string_above_max_length', 'a long message');
    is(complete('ä' x 4000)->{status}, 200, 'characters are counted, not bytes');
};

subtest 'errors of a stream' => sub {
    my $answer = complete({ messages => [ user('{{error AccessDenied}}') ], stream => $true });
    error_is($answer, 502, 'server_error', 'upstream_access_denied', 'before the first byte an ordinary answer');
    my @events = stream('{{stream-error throttling 2}}{{words 9}}', stream => $true)->rest;
    is_deeply([ @{ $events[-1]{json}{error} }{qw(type code)} ], [qw(rate_limit_error upstream_throttled)],
        'behind text it is the last event');
    is(scalar(grep { ($_->{data} // '') eq '[DONE]' } @events), 0, 'without [DONE]');
    @events = stream('{{cut-hard 9000}}{{words 500}}', stream => $true)->rest;
    ok($events[-1]{json}{error}, 'a cut answer is an error');
};

subtest 'a client that leaves' => sub {
    my $before = $emulator->count('cancelled');
    my $stream = stream('{{chunk-delay 300}}{{words 60}}', stream => $true);
    $stream->next_event for 1 .. 2;
    $stream->client->close;
    ok(Chatbot::Httpd::wait_for(3, sub { $emulator->count('cancelled') > $before }), 'cancels the call to the agent');
};

subtest 'not configured' => sub {
    my $other = Chatbot::Server->start(agent => 0, config => "<Location \"/v1\">\nSetHandler chatbot-openai\n</Location>\n");
    my $answer = $other->request('POST', '/v1/chat/completions', body => { model => 'chatbot', messages => [ user('x') ] });
    error_is($answer, 503, 'server_error', 'not_configured', 'no agent');
    ok($answer->{headers}{'retry-after'}, 'with Retry-After');
    is($other->request('GET', '/v1/models')->{status}, 200, 'the model is listed');
    $other->stop_ok;
};

subtest 'hostile requests' => sub {
    my $head = '{"model":"chatbot","messages":';
    my @bodies = ('', '{', '[]', 'null', '"x"', '{}', "\x00", "\xff\xfe", "$head", "$head\[]}", "$head\[[]]}", "$head\[null]}",
        "$head\{}}", $head . '[{"role":"user","content":{"text":"x"}}]}', $head . '[{"role":["user"],"content":"x"}]}',
        $head . '[{"role":"user","content":"\ud800"}]}', $head . "[{\"role\":\"user\",\"content\":\"\xc0\xaf\"}]}",
        $head . '[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}',
        $head . '[{"role":"user","content":"x"}],"temperature":1e999}', $head . '[{"role":"user","content":"x"}],"temperature":NaN}',
        $head . '[{"role":"user","content":"x"}],"n":99999999999999999999}', $head . '[{"role":"user","content":"x"}],"max_tokens":-1}',
        $head . '[{"role":"user","content":"x"}],"user":{"a":1}}', $head . '[{"role":"user","content":"x"}],"user":"a\u0000b"}',
        $head . '[{"role":"user","content":"x"}],"user":"' . 'x' x 1025 . '"}',
        $head . '[{"role":"user","content":"x"}],"stream":"true"}', $head . ('[' x 20_000), $head . ('[{"role":' x 5_000),
        '{"model":"chatbot","model":"other","messages":[{"role":"user","content":"x"}]}');
    for my $body (@bodies) {
        my $answer = $server->request('POST', '/v1/chat/completions', body => $body, headers => { 'Content-Type' => 'application/json' });
        my $shown = substr $body, 0, 90;
        $shown =~ s/[^ -~]/?/g;
        ok($answer->{status} =~ /^40[04]$/ && ref $answer->{json}{error} eq 'HASH', "refused: $shown") or diag("$answer->{status} $answer->{body}");
    }
    is(complete('Hello')->{status}, 200, 'and the next request works');
    for my $path ('/v1/models/a%0d%0aX-Evil:%20yes', '/v1/models/%00', '/v1/models/%ff%fe', '/v1/models/..%2f..%2fetc', '/v1//models',
        '/v1/models/' . 'x' x 3000) {
        my $answer = $server->request('GET', $path);
        unlike(join("\n", %{ $answer->{headers} }), qr/evil/i, "nothing of the path is a header: " . substr $path, 0, 60);
        like($answer->{status}, qr/^(?:200|40[04])$/, 'and it is answered');
    }
    my $split = complete({ model => "x\r\nX-Evil: yes", messages => [ user('Hello') ], user => "a\r\nX-Evil: yes" });
    is($split->{status}, 404, 'line breaks in the name of the model');
    my $named = complete({ messages => [ user('Hello') ], user => "a\r\nX-Evil: yes" }, headers => { 'X-Request-ID' => 'evil-1' });
    is($named->{status}, 200, 'and in the user');
    ok(!exists $named->{headers}{'x-evil'} && !exists $split->{headers}{'x-evil'}, 'make no header');
    is($server->notes('evil-1')->{outcome}, 'success', 'and no line of the log');
};

$server->stop_ok;
done_testing();
