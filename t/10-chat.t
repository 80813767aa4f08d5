#!/usr/bin/env perl
# POST /chat and GET /health as a client sees them: shape of requests and answers, headers, methods.
use strict;
use warnings;
use utf8;
use lib 't/lib';
use Encode qw(encode_utf8 decode_utf8);
use Test::More;
use Chatbot::Server;

my $server = Chatbot::Server->start;
my $UUID = qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
my $WHEN = qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)$/;

subtest 'a whole answer' => sub {
    my $answer = $server->chat({ message => '{{echo}}Good morning', user_id => 'u1' });
    is($answer->{status}, 200, 'status 200');
    like($answer->{headers}{'content-type'}, qr{^application/json\b}, 'JSON');
    is($answer->{headers}{'cache-control'}, 'no-store', 'Cache-Control: no-store');
    like($answer->{headers}{'x-request-id'}, qr/^[0-9A-Za-z._-]{1,128}$/, 'X-Request-ID');
    my $json = $answer->{json};
    is_deeply([ sort keys %$json ], [qw(processing_time_ms response session_id timestamp tokens_used)], 'members');
    like($json->{response}, qr/Good morning/, 'the agent answered this message');
    like($json->{session_id}, $UUID, 'a new session has a random UUID of version 4');
    like($json->{timestamp}, $WHEN, 'timestamp is RFC 3339 in UTC');
    ok(!defined $json->{tokens_used} || $json->{tokens_used} =~ /^\d+$/, 'tokens_used is a whole number or null');
    like($answer->{body}, qr/"processing_time_ms":\s*\d+(?:\.\d+)?[,}]/, 'processing_time_ms is a number');
};

subtest 'sessions' => sub {
    my $first = $server->chat('Hello')->{json}{session_id};
    isnt($server->chat('Hello')->{json}{session_id}, $first, 'each without a session gets its own');
    for my $id ('ab', 'user:42', 'A.b_c-d', 'x' x 100) {
        my $answer = $server->chat({ message => 'Hello', session_id => $id });
        is($answer->{status}, 200, "session_id $id is taken");
        is($answer->{json}{session_id}, $id, 'and given back');
    }
    my $answer = $server->chat({ message => 'Hello', session_id => undef, user_id => undef });
    is($answer->{status}, 200, 'null is as good as absent');
    like($answer->{json}{session_id}, $UUID, 'and gets a new session');
    is($server->chat({ message => 'Hello', colour => 'blue' })->{status}, 200, 'unknown members are ignored');
};

subtest 'the conversation is the agent\'s' => sub {
    $server->chat({ message => 'My name is Ada', session_id => 'names-1' });
    my $answer = $server->chat({ message => 'What is my name?', session_id => 'names-1' });
    like($answer->{json}{response}, qr/Ada/, 'the second message reaches the same conversation');
};

subtest 'any text comes back as it went' => sub {
    my %texts = (
        'quotes and breaks' => qq{"\\\n\t\x{8}/},
        'more than Latin'   => 'žluťoučký 你好 שלום',
        'outside the BMP'   => "\x{1F600}\x{1F468}\x{200D}\x{1F469}",
        'control characters' => "a\x{01}b\x{7f}c",
    );
    for my $name (sort keys %texts) {
        my $answer = $server->chat({ message => "{{echo}}$texts{$name}" });
        is($answer->{status}, 200, "$name: 200");
        ok(index($answer->{json}{response} // '', $texts{$name}) >= 0, "$name: the same characters");
    }
    my $body = '{"message":"{{echo}}\ud83d\ude00"}';
    my $answer = $server->request('POST', '/chat', body => $body, headers => { 'Content-Type' => 'application/json' });
    like($answer->{json}{response}, qr/\x{1F600}/, 'an escaped surrogate pair is one character');
};

subtest 'X-Request-ID' => sub {
    my $own = $server->chat('Hello', headers => { 'X-Request-ID' => 'abc-1.2_3' });
    is($own->{headers}{'x-request-id'}, 'abc-1.2_3', 'a good one is kept');
    is($server->chat('Hello', headers => { 'X-Request-ID' => 'a' x 128 })->{headers}{'x-request-id'}, 'a' x 128,
        'with 128 characters too');
    for my $bad ('a' x 129, 'a b', 'a"b', "a\tb", '<x>', 'é') {
        my $id = $server->chat('Hello', headers => { 'X-Request-ID' => encode_utf8($bad) })->{headers}{'x-request-id'};
        isnt($id, encode_utf8($bad), 'a bad one is not');
        like($id, qr/^[0-9A-Za-z._-]{1,128}$/, 'but a new one is made');
    }
    my $refused = $server->chat({}, headers => { 'X-Request-ID' => 'refused-1' });
    is($refused->{headers}{'x-request-id'}, 'refused-1', 'errors carry it');
    is($refused->{json}{request_id}, 'refused-1', 'in the body too');
    isnt($server->chat('x')->{headers}{'x-request-id'}, $server->chat('x')->{headers}{'x-request-id'},
        'new ones differ');
};

subtest 'media types' => sub {
    for my $type ('application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;charset="UTF-8"',
        'application/vnd.api+json') {
        my $answer = $server->chat('Hello', headers => { 'Content-Type' => $type });
        is($answer->{status}, 200, "$type is taken");
    }
    for my $type ('text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'application/json-seq',
        'application/json; charset=latin1', undef) {
        my $answer = $server->request('POST', '/chat', body => '{"message":"Hello"}',
            headers => { 'Content-Type' => $type });
        is($answer->{status}, 415, ($type // 'no Content-Type') . ' is refused');
        is($answer->{json}{error_code}, 'unsupported_media_type', 'as unsupported_media_type');
    }
};

subtest 'methods' => sub {
    for my $method (qw(GET PUT DELETE PATCH HEAD)) {
        my $answer = $server->request($method, '/chat');
        is($answer->{status}, 405, "$method /chat is refused");
        like($answer->{headers}{allow} // '', qr/\bPOST\b/, 'Allow names POST');
        unlike($answer->{headers}{allow} // '', qr/\b(?:GET|PUT|DELETE)\b/, 'and nothing that is not there');
        is($answer->{json}{error_code}, 'method_not_allowed', 'error_code') if $method ne 'HEAD';
    }
    my $options = $server->request('OPTIONS', '/chat');
    ok($options->{status} == 200 || $options->{status} == 204, 'OPTIONS /chat answers');
    like($options->{headers}{allow} // '', qr/\bPOST\b/, 'and says what is allowed');
    my $answer = $server->request('POST', '/health', body => { a => 1 });
    is($answer->{status}, 405, 'POST /health is refused');
    like($answer->{headers}{allow} // '', qr/\bGET\b/, 'Allow names GET');
};

subtest 'GET /health' => sub {
    my $answer = $server->request('GET', '/health');
    is($answer->{status}, 200, 'status 200');
    like($answer->{headers}{'content-type'}, qr{^application/json\b}, 'JSON');
    is($answer->{headers}{'cache-control'}, 'no-store', 'not to be stored');
    is($answer->{json}{status}, 'healthy', 'healthy');
    like($answer->{json}{timestamp}, $WHEN, 'timestamp');
    like($answer->{json}{version}, qr/^\d+\.\d+/, 'version');
    my $head = $server->request('HEAD', '/health');
    is($head->{status}, 200, 'HEAD /health is 200 too');
    ok($head->{headers}{'content-type'}, 'with the headers');
};

subtest 'errors have one shape' => sub {
    my $answer = $server->request('GET', '/chat');
    my $json = $answer->{json};
    is_deeply([ sort keys %$json ], [qw(detail error error_code request_id timestamp)], 'members');
    like($json->{timestamp}, $WHEN, 'timestamp');
    is($json->{request_id}, $answer->{headers}{'x-request-id'}, 'the request id is the header\'s');
    ok(length $json->{error}, 'a text for people');
    is($json->{detail}, $json->{error}, 'detail is the text, as FastAPI gives it');
    is($answer->{headers}{'cache-control'}, 'no-store', 'not to be stored');
};

subtest 'the request on its way' => sub {
    my $before = $server->emulator_state;
    is($server->request('GET', '/page.html')->{status}, 200, 'the site\'s own pages are served');
    is($server->request('GET', '/none')->{status}, 404, 'and what is not there is not');
    my $chunked = join '', map { sprintf("%x\r\n%s\r\n", length $_, $_) } '{"mess', 'age":"Hel', 'lo"}';
    my $answer = $server->request('POST', '/chat', body => $chunked . "0\r\n\r\n",
        headers => { 'Content-Type' => 'application/json', 'Transfer-Encoding' => 'chunked' });
    is($answer->{status}, 200, 'a chunked request body');
    my $client = $server->client;
    my $bytes = $client->compose('POST', '/chat', body => { message => 'Hello' },
        headers => { 'Expect' => '100-continue', Connection => 'close' });
    $client->send($bytes);
    is($client->answer->{status}, 200, 'Expect: 100-continue');
    $client = $server->client;
    $bytes = $client->compose('POST', '/chat', body => { message => 'Hello' }, headers => { Connection => 'close' });
    $client->send($_) for split //, $bytes;
    is($client->answer->{status}, 200, 'a byte at a time');
};

$server->stop_ok;
done_testing();
