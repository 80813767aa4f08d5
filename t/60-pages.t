#!/usr/bin/env perl
# What browsers are given: the OpenAPI document of what is really served, the page that shows it, the chat page.
# SetHandler chatbot-openapi, chatbot-docs, chatbot-ui; ChatbotMaxMessage, ChatbotStream, ChatbotRateLimit, AuthType.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

my $server = Chatbot::Server->start(modules => [qw(authn_core auth_basic authn_file authz_user)], config => <<'CONF');
<Location "/openapi.json">
    SetHandler chatbot-openapi
</Location>
<Location "/bots">
    ChatbotMaxMessage 77
    ChatbotRateLimit 5 1min
</Location>
<LocationMatch "^/bots/(?:one|two words)$">
    SetHandler chatbot
    ChatbotStream Off
</LocationMatch>
<Location "/bots/two words">
    AuthType Basic
    AuthName bots
    Require valid-user
    ChatbotTimeoutStatus 504
</Location>
<Location "/bots/none">
    SetHandler chatbot
</Location>
<Location "/bots/none">
    SetHandler none
</Location>
<LocationMatch "^/many/[a-z]+$">
    SetHandler chatbot-health
</LocationMatch>
<Location "/many/*/chat">
    SetHandler chatbot
</Location>
<Location "/perhaps">
    SetHandler "%{reqenv:HANDLER_OF_PERHAPS_chatbot}"
</Location>
<Location "/v1">
    SetHandler chatbot-openai
    ChatbotModelName "our-bot"
</Location>
<Location "/metrics">
    SetHandler chatbot-metrics
</Location>
CONF

my $document = $server->request('GET', '/openapi.json');

subtest 'the document' => sub {
    is($document->{status}, 200, 'status 200');
    is($document->{headers}{'content-type'}, 'application/json', 'JSON');
    is($document->{json}{openapi}, '3.1.1', 'OpenAPI 3.1');
    is($document->{json}{servers}[0]{url}, './', 'paths begin beside the document');
    is_deeply([ sort keys %{ $document->{json}{paths} } ], [ sort qw(/chat /sessions/{session_id} /health /livez
        /readyz /bots/one /bots/two%20words /v1/chat/completions /v1/models /v1/models/{model} /metrics) ],
        'the paths that are served, and no others');
    is_deeply([ sort map { $_->{pattern} } @{ $document->{json}{'x-untold-locations'} } ],
        [ sort '/perhaps', '^/many/[a-z]+$', '/many/*/chat' ], 'what cannot be told is listed');
};

subtest 'what the sections say' => sub {
    my $paths = $document->{json}{paths};
    my $schemas = $document->{json}{components}{schemas};
    my ($chat, $one, $two) = map { $paths->{$_}{post} } qw(/chat /bots/one /bots/two%20words);
    is($chat->{'x-limits'}{max_message_characters}, 4000, 'a default');
    is($chat->{'x-limits'}{rate_limit}, undef, 'no limit of rate');
    is($one->{'x-limits'}{max_message_characters}, 77, 'a directive of an outer section');
    is_deeply($one->{'x-limits'}{rate_limit}, { requests => 5, window_seconds => 60 }, 'another one');
    ok($chat->{responses}{200}{content}{'text/event-stream'}, 'one streams');
    ok(!$one->{responses}{200}{content}{'text/event-stream'}, 'one does not');
    ok($two->{responses}{504} && !$two->{responses}{408}, 'ChatbotTimeoutStatus');
    is_deeply($two->{security}, [ { basic => [] } ], 'AuthType Basic');
    ok($two->{responses}{401}, 'and so 401');
    ok(!exists $one->{security}, 'not elsewhere');
    my $schema = $one->{requestBody}{content}{'application/json'}{schema}{'$ref'} =~ s{.*/}{}r;
    is($schemas->{$schema}{properties}{message}{maxLength}, 77, 'the schema has the limit');
    is($schemas->{CompletionRequest}{properties}{model}{const}, 'our-bot', 'ChatbotModelName');
};

sub answers_like_a_page {
    my ($path, $type) = @_;
    my $answer = $server->request('GET', $path);
    is($answer->{status}, 200, "GET $path");
    is($answer->{headers}{'content-type'}, $type, 'its type');
    is($answer->{headers}{'cache-control'}, 'no-cache', 'kept, but asked for each time');
    is($answer->{headers}{'x-content-type-options'}, 'nosniff', 'nothing is guessed');
    is($answer->{headers}{'content-security-policy'}, "default-src 'none'; script-src 'self'; style-src 'self'; "
        . "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'the policy');
    like($answer->{headers}{etag} // '', qr/^"[0-9a-f]{32}"$/, 'an ETag');
    is($answer->{headers}{'content-length'}, length $answer->{body}, 'its length');
    my $head = $server->request('HEAD', $path);
    is($head->{status}, 200, 'HEAD');
    is($head->{headers}{etag}, $answer->{headers}{etag}, 'the same ETag');
    my $same = $server->request('GET', $path, headers => { 'If-None-Match' => $answer->{headers}{etag} });
    is($same->{status}, 304, '304 to whom has it');
    is($server->request('GET', $path, headers => { 'If-None-Match' => '"other"' })->{status}, 200, '200 to others');
    for my $method (qw(POST PUT DELETE PATCH)) {
        my $refused = $server->request($method, $path, body => {});
        is($refused->{status}, 405, "$method is not allowed");
        is($refused->{headers}{allow}, 'GET, HEAD, OPTIONS', 'and what is');
    }
    return $answer;
}

# Nothing that a client sends comes back.
sub reflects_nothing {
    my ($path) = @_;
    my $mark = 'm4rk<script>"\'';
    my $answer = $server->request('GET', "$path?x=m4rk%3Cscript%3E&asset=m4rk", headers => {
        Host => 'm4rk.example', 'X-Request-ID' => 'm4rk', 'User-Agent' => $mark, Referer => "http://x/$mark",
        Cookie => "x=$mark", 'Accept-Language' => $mark, 'X-Forwarded-Host' => 'm4rk', 'X-Forwarded-Prefix' => '/m4rk' });
    is($answer->{status}, 200, "GET $path with a lot of words");
    unlike(join("\n", $answer->{body}, %{ $answer->{headers} }), qr/m4rk/, 'none of them comes back');
    return;
}

subtest 'the document, as a resource' => sub {
    answers_like_a_page('/openapi.json', 'application/json');
    reflects_nothing('/openapi.json');
    is($server->request('GET', '/openapi.json/below')->{status}, 404, 'nothing is below it');
};

#END
done_testing;
