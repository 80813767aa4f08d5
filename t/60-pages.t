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
<Location "/runtime">
    SetHandler chatbot
    ChatbotBackend agentcore
    ChatbotAgentCore arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/bots-0123456789
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
<LocationMatch "^/$">
    SetHandler chatbot-ui
</LocationMatch>
<LocationMatch "^/(?:docs|redoc)$">
    SetHandler chatbot-docs
</LocationMatch>
<Location "/deep/down/">
    SetHandler chatbot-ui
</Location>
<Location "/deep/down/docs">
    SetHandler chatbot-docs
</Location>
CONF

my $document = $server->request('GET', '/openapi.json');

subtest 'the document' => sub {
    is($document->{status}, 200, 'status 200');
    is($document->{headers}{'content-type'}, 'application/json', 'JSON');
    is($document->{json}{openapi}, '3.1.1', 'OpenAPI 3.1');
    is($document->{json}{servers}[0]{url}, '/', 'paths begin at the root');
    is($document->{json}{'x-root'}, './', 'which is beside the document');
    is_deeply([ sort keys %{ $document->{json}{paths} } ], [ sort qw(/chat /sessions/{session_id} /health /livez
        /readyz /bots/one /bots/two%20words /runtime /v1/chat/completions /v1/models /v1/models/{model} /metrics) ],
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
    is($chat->{'x-limits'}{max_files}, 5, 'an agent takes files');
    is($paths->{'/runtime'}{post}{'x-limits'}{backend}, 'agentcore', 'another backend');
    ok(!exists $paths->{'/runtime'}{post}{'x-limits'}{max_files}, 'which takes none');
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

subtest 'the page that shows it' => sub {
    my $page = answers_like_a_page('/docs', 'text/html; charset=utf-8');
    like($page->{body}, qr/ data-openapi="\.\/openapi\.json"/, 'it knows where the document is');
    is($server->request('GET', '/redoc')->{body}, $page->{body}, 'the same at /redoc');
    like($server->request('GET', '/deep/down/docs')->{body}, qr/ data-openapi="\.\.\/\.\.\/openapi\.json"/,
        'from further down as well');
    reflects_nothing('/redoc');
};

subtest 'the chat page' => sub {
    my $page = answers_like_a_page('/', 'text/html; charset=utf-8');
    like($page->{body}, qr/ data-chat="\.\/chat" data-sessions="\.\/sessions" data-max="4000"/, 'it knows the paths');
    like($server->request('GET', '/deep/down/')->{body}, qr/ data-chat="\.\.\/\.\.\/chat"/, 'from further down too');
    reflects_nothing('/deep/down/');
};

subtest 'what the pages bring along' => sub {
    for my $page (qw(/ /deep/down/ /docs /redoc)) {
        my ($name) = $page =~ m{/$} ? 'chat' : 'docs';
        my $html = $server->request('GET', $page)->{body};
        my @references = $html =~ /(?:src|href)="([^"]*)"/g;
        is_deeply([ sort grep { /\?asset=/ } @references ], [ "?asset=$name.css", "?asset=$name.js" ], "$page has two");
        is(scalar(grep { m{^[a-z]+:|^//} && !/^data:/ } @references), 0, 'nothing from elsewhere');
        unlike($html, qr/<script>|<style|\son\w+=|style=|\{\{/, 'nothing in line, no blank left');
    }
    answers_like_a_page('/?asset=chat.css', 'text/css; charset=utf-8');
    answers_like_a_page('/?asset=chat.js', 'text/javascript; charset=utf-8');
    answers_like_a_page('/deep/down/docs?asset=docs.js', 'text/javascript; charset=utf-8');
    is($server->request('GET', "/?asset=$_")->{status}, 404, "no asset $_")
        for qw(docs.js chat.html x ../chat.js chat.js/ chat.css%00);
    is($server->request('GET', "/?$_")->{status}, 200, "any other query: $_") for qw(utm=1 x Asset=chat.js);
    my $bytes = length(join '', map { $server->request('GET', $_)->{body} } qw(/ /?asset=chat.css /?asset=chat.js));
    cmp_ok($bytes, '<', 25_000, "the chat page has $bytes bytes");
};

subtest 'the site around them' => sub {
    is($server->request('GET', '/page.html')->{body}, "<p>a page\n", 'a file beside the page at /');
    is($server->request('GET', '/nothing')->{status}, 404, 'what is not there is not');
    is($server->request('GET', '/deep/down/page')->{status}, 404, 'below a page there is none');
    is($server->request('GET', '/docs/more')->{status}, 404, 'nor below the other one');
};

subtest 'a page for a whole site' => sub {
    my $other = Chatbot::Server->start(emulator => $server->emulator, chatbot => <<'LOCATION', config => sub { return <<"CONF" });
<Location "/">
    SetHandler chatbot-ui
</Location>
LOCATION
<Directory "$_[0]{dir}/htdocs/closed">
    Require all denied
</Directory>
CONF
    mkdir "$other->{dir}/htdocs/closed";
    Chatbot::Httpd::_write("$other->{dir}/htdocs/closed/secret.txt", 'secret');
    like($other->request('GET', '/')->{body}, qr/data-chat=/, 'the page, with <Location "/">');
    is($other->request('GET', '/page.html')->{body}, "<p>a page\n", 'the site\'s files are still there');
    is($other->request('GET', '/closed/secret.txt')->{status}, 403, 'and those that are closed still are');
    is($other->request('GET', '/health')->{status}, 200, 'and other handlers');
    $other->stop_ok;
};

subtest 'a server without the rest' => sub {
    my $other = Chatbot::Httpd->start(config => <<"CONF");
LoadModule chatbot_module "$Chatbot::Httpd::BUILD/mod_chatbot.so"
<Location "/help">
    SetHandler chatbot-docs
</Location>
<Location "/talk">
    SetHandler chatbot-ui
</Location>
<Location "/api">
    SetHandler chatbot-openapi
</Location>
CONF
    like($other->request('GET', '/talk')->{body}, qr/ data-chat="" data-sessions="" data-max=""/, 'no chat');
    like($other->request('GET', '/help')->{body}, qr/ data-openapi="\.\/api"/, 'a document that was moved');
    is_deeply($other->request('GET', '/api')->{json}{paths}, {}, 'and is empty');
    $other->stop_ok;
};

$server->stop_ok;
done_testing;
