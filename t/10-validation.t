#!/usr/bin/env perl
# What is refused and how: FastAPI's 422 with Pydantic's list, 413, and malformed framing.
use strict;
use warnings;
use utf8;
use lib 't/lib';
use Encode qw(encode_utf8);
use JSON::PP ();
use Test::More;
use Chatbot::Server;

my $server = Chatbot::Server->start(chatbot => "ChatbotMaxBody 20k");

sub post {
    my ($body) = @_;
    return $server->request('POST', '/chat', body => $body, headers => { 'Content-Type' => 'application/json' });
}

# The body must be refused with exactly these issues.
sub refused {
    my ($name, $body, @issues) = @_;
    my $answer = post(ref $body ? JSON::PP->new->utf8->canonical->encode($body) : $body);
    return subtest $name => sub {
        is($answer->{status}, 422, 'status 422');
        is($answer->{json}{error_code}, 'validation_error', 'validation_error');
        is_deeply($answer->{json}{detail}, \@issues, 'Pydantic\'s list') or diag($answer->{body});
    };
}

sub issue {
    my ($type, $loc, $msg, $input, $ctx) = @_;
    return { type => $type, loc => [ 'body', @$loc ], msg => $msg, input => $input, $ctx ? (ctx => $ctx) : () };
}

refused('no message', {}, issue('missing', ['message'], 'Field required', {}));
refused('no message, but others', { user_id => 'u' },
    issue('missing', ['message'], 'Field required', { user_id => 'u' }));
refused('empty message', { message => '' },
    issue('string_too_short', ['message'], 'String should have at least 1 character', '', { min_length => 1 }));
refused('4001 characters', { message => 'x' x 4001 },
    issue('string_too_long', ['message'], 'String should have at most 4000 characters', 'x' x 4001,
        { max_length => 4000 }));
refused('4001 characters of four bytes', { message => "\x{1F600}" x 4001 },
    issue('string_too_long', ['message'], 'String should have at most 4000 characters', "\x{1F600}" x 4001,
        { max_length => 4000 }));
for my $value (42, undef, [], {}, JSON::PP::true(), [ 'a' ]) {
    my $name = JSON::PP->new->allow_nonref->encode($value);
    refused("message is $name", { message => $value },
        issue('string_type', ['message'], 'Input should be a valid string', $value));
}
refused('session_id is a number', { message => 'a', session_id => 7 },
    issue('string_type', ['session_id'], 'Input should be a valid string', 7));
refused('user_id is a list', { message => 'a', user_id => [1] },
    issue('string_type', ['user_id'], 'Input should be a valid string', [1]));
refused('session_id of one character', { message => 'a', session_id => 'x' },
    issue('string_too_short', ['session_id'], 'String should have at least 2 characters', 'x', { min_length => 2 }));
refused('session_id of 101 characters', { message => 'a', session_id => 'x' x 101 },
    issue('string_too_long', ['session_id'], 'String should have at most 100 characters', 'x' x 101,
        { max_length => 100 }));
refused('two at once', { message => '', user_id => 3 },
    issue('string_too_short', ['message'], 'String should have at least 1 character', '', { min_length => 1 }),
    issue('string_type', ['user_id'], 'Input should be a valid string', 3));

for my $id ('a b', 'a/b', '../x', 'a%2fb', "a\nb", 'é1', 'a;b', "a\x{0}b") {
    my $answer = post(JSON::PP->new->utf8->encode({ message => 'a', session_id => $id }));
    is($answer->{status}, 422, 'session_id ' . JSON::PP->new->ascii->allow_nonref->encode($id) . ' is refused');
    is($answer->{json}{detail}[0]{type}, 'string_pattern_mismatch', 'as a pattern mismatch');
    is_deeply($answer->{json}{detail}[0]{loc}, [ 'body', 'session_id' ], 'at its place');
    ok(exists $answer->{json}{detail}[0]{ctx}{pattern}, 'with the pattern');
}
is(post('{"message":"a","session_id":".."}')->{status}, 422, 'session_id ".." is refused');

for my $body ('[]', '"text"', '3', 'true', '[{"message":"a"}]') {
    refused("a body of $body", $body,
        issue('model_attributes_type', [], 'Input should be a valid dictionary or object to extract fields from',
            JSON::PP->new->allow_nonref->decode($body)));
}
refused('a body of null', 'null', issue('missing', [], 'Field required', undef));
refused('an empty body', '', issue('missing', [], 'Field required', undef));

my %not_json = (
    'a lone brace'            => '{',
    'a member without value'  => '{"message":}',
    'a trailing comma'        => '{"message":"a",}',
    'single quotes'           => "{'message':'a'}",
    'an unquoted name'        => '{message:"a"}',
    'text behind it'          => '{"message":"a"} x',
    'a comment'               => '{"message":"a"/* c */}',
    'NaN'                     => '{"message":NaN}',
    'a cut text'              => '{"message":"a',
    'a raw line break'        => "{\"message\":\"a\nb\"}",
    'a bad escape'            => '{"message":"\x"}',
    'a lone high surrogate'   => '{"message":"\ud83d"}',
    'a lone low surrogate'    => '{"message":"\ude00"}',
    'surrogates in wrong order' => '{"message":"\ude00\ud83d"}',
    'overlong UTF-8'          => "{\"message\":\"\xc0\xaf\"}",
    'a surrogate in UTF-8'    => "{\"message\":\"\xed\xa0\x80\"}",
    'above U+10FFFF'          => "{\"message\":\"\xf4\x90\x80\x80\"}",
    'a cut UTF-8 character'   => "{\"message\":\"\xe2\x82\"}",
    'Latin-1'                 => "{\"message\":\"caf\xe9\"}",
    'UTF-16'                  => "\xff\xfe{\0}\0",
    'a leading zero'          => '{"message":"a","n":01}',
    'nesting without end'     => '{"message":' . '[' x 9000,
    'deep nesting'            => '{"message":"a","x":' . ('[' x 9000) . (']' x 9000) . '}',
);
for my $name (sort keys %not_json) {
    my $answer = post($not_json{$name});
    is($answer->{status}, 422, "$name: 422");
    is($answer->{json}{error_code}, 'validation_error', "$name: validation_error");
    my $issue = ref $answer->{json}{detail} ? $answer->{json}{detail}[0] : {};
    is($issue->{type}, 'json_invalid', "$name: json_invalid");
    is($issue->{msg}, 'JSON decode error', "$name: msg");
    is($issue->{loc}[0], 'body', "$name: loc starts with body");
    like($issue->{loc}[1] // '', qr/^\d+$/, "$name: loc has the offset");
    ok(length($issue->{ctx}{error} // ''), "$name: ctx says why");
}

subtest 'the limits themselves are inside' => sub {
    is($server->chat('x' x 4000)->{status}, 200, '4000 characters');
    is($server->chat("\x{e9}" x 4000)->{status}, 200, '4000 characters of two bytes');
    is($server->chat("\x{1F600}" x 4000)->{status}, 200, '4000 characters of four bytes');
    is($server->chat({ message => "a\x{0}b" })->{status}, 200, 'a NUL is a character');
    is($server->chat(' ')->{status}, 200, 'a blank is a character');
};

subtest 'too large' => sub {
    for my $framing ('Content-Length', 'chunked') {
        my $body = '{"message":"' . 'x' x 30000 . '"}';
        my %headers = ('Content-Type' => 'application/json');
        if ($framing eq 'chunked') {
            $headers{'Transfer-Encoding'} = 'chunked';
            $body = sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body);
        }
        my $answer = $server->request('POST', '/chat', body => $body, headers => \%headers);
        is($answer->{status}, 413, "$framing: 413");
        is($answer->{json}{error_code}, 'body_too_large', "$framing: body_too_large");
    }
    my $client = $server->client(timeout => 5);
    $client->send("POST /chat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            . "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
    my $answer = $client->answer;
    is($answer && $answer->{status}, 413, 'a large length is refused before the body is sent');
};

subtest 'bad framing' => sub {
    for my $case ([ 'a chunk size that is none', "zz\r\n{}\r\n0\r\n\r\n" ], [ 'a chunk that is too long', "2\r\n{}}}\r\n0\r\n\r\n" ]) {
        my $answer = $server->request('POST', '/chat', body => $case->[1],
            headers => { 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked' });
        is($answer && $answer->{status}, 400, $case->[0]);
        is($answer->{json}{error_code}, 'bad_request', 'bad_request');
    }
};

subtest 'nothing of the request reaches a header or the log as it is' => sub {
    post(encode_utf8('{"message":"a","session_id":"x\r\nSet-Cookie: a=b"}'));
    unlike($server->error_log, qr/^Set-Cookie/m, 'no forged log line');
};

subtest 'refused requests cost nothing upstream and leave the connection usable' => sub {
    my $calls = sub { return JSON::PP->new->canonical->encode($server->emulator_state->{operations} // {}) };
    my $before = $calls->();
    my $client = $server->client;
    for my $body ('{}', '{', '{"message":""}') {
        is($client->request('POST', '/chat', body => $body, headers => { 'Content-Type' => 'application/json' })->{status},
            422, 'refused');
    }
    is($calls->(), $before, 'the agent was not called');
    is($client->request('POST', '/chat', body => { message => 'Hello' })->{status}, 200, 'the next one on it is answered');
};

$server->stop_ok;
done_testing();
