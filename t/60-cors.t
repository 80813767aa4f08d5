#!/usr/bin/env perl
# ChatbotCORS: the headers by which browsers let other sites' scripts read our answers.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

my $SHOP  = 'https://shop.example.com';
my @NAMES = map { "access-control-$_" } qw(allow-origin allow-credentials expose-headers allow-methods allow-headers max-age);

# The headers of the protocol in an answer, by their short names.
sub cors_of {
    my ($answer) = @_;
    return { map { defined $answer->{headers}{$_} ? (s/^access-control-//r => $answer->{headers}{$_}) : () } @NAMES };
}

sub varies_by {
    my ($answer) = @_;
    return join ' ', sort map { lc } split /\s*,\s*/, $answer->{headers}{vary} // '';
}

my $server = Chatbot::Server->start(modules => [qw(authn_core authn_file auth_basic authz_user)], chatbot => <<'CONF',
ChatbotCORS https://shop.example.com HTTP://Localhost:3000 http://Plain.example.com:80 https://[2001:DB8:0::1]:8443
ChatbotSessionStore shmcb
<Location "/any">
    SetHandler chatbot
    ChatbotCORS *
</Location>
<Location "/off">
    SetHandler chatbot
    ChatbotCORS Off
</Location>
<Location "/cookies">
    SetHandler chatbot
    ChatbotCORSCredentials On
</Location>
<Location "/cookies/without">
    ChatbotCORSCredentials Off
</Location>
<Location "/limited">
    SetHandler chatbot
    ChatbotRateLimit 1 1h
</Location>
<Location "/metrics">
    SetHandler chatbot-metrics
</Location>
<Location "/v1">
    SetHandler chatbot-openai
</Location>
<Location "/openapi.json">
    SetHandler chatbot-openapi
</Location>
<Location "/closed">
    SetHandler chatbot
    Require all denied
</Location>
<Location "/own-page">
    SetHandler chatbot
    ErrorDocument 422 /page.html
</Location>
CONF
    config => sub { my ($self) = @_; return <<"CONF" });
<IfModule !socache_shmcb_module>
    LoadModule socache_shmcb_module $Chatbot::Httpd::LIBEXEC/mod_socache_shmcb.so
</IfModule>
<Location "/private">
    SetHandler chatbot
    AuthType Basic
    AuthName chat
    AuthUserFile $self->{dir}/users
    <LimitExcept OPTIONS>
        Require valid-user
    </LimitExcept>
</Location>
<Location "/private/any-of">
    <RequireAny>
        Require method OPTIONS
        Require valid-user
    </RequireAny>
</Location>
CONF
Chatbot::Httpd::_write($server->dir . '/users', 'ann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=' . "\n"); # test

my $emulator = $server->emulator;

# One chat from a page of that origin.
sub chat_from {
    my ($origin, $path, $body, %headers) = @_;
    return $server->request('POST', $path // '/chat', body => $body // { message => 'Hello' },
        headers => { defined $origin ? (Origin => $origin) : (), %headers });
}

subtest 'origins' => sub {
    for my $origin ($SHOP, 'http://localhost:3000', 'http://plain.example.com', 'https://[2001:db8::1]:8443') {
        my $answer = chat_from($origin);
        is($answer->{status}, 200, "$origin: answered");
        is(cors_of($answer)->{'allow-origin'}, $origin, 'it may read the answer');
        is(cors_of($answer)->{'allow-credentials'}, undef, 'sent without credentials');
        is(varies_by($answer), 'origin', 'Vary: Origin');
    }
    for my $origin ('https://evil.example.com', 'http://shop.example.com', 'https://shop.example.com:8443',
        'https://shop.example.com.evil.com', 'https://SHOP.example.com', 'https://shop.example.com/', 'null', '',
        'https://shop.example.com https://evil.example.com', 'https://shop.example.com, https://evil.example.com',
        'http://plain.example.com:80', '*', "\xff", 'x' x 5000, undef) {
        my $answer = chat_from($origin);
        my $name = defined $origin ? substr("\"$origin\"", 0, 60) : 'no Origin';
        is($answer->{status}, 200, "$name: answered");
        is_deeply(cors_of($answer), {}, 'no header of the protocol');
        is(varies_by($answer), 'origin', 'Vary: Origin all the same');
    }
};

subtest 'any origin' => sub {
    for my $origin ($SHOP, 'https://evil.example.com', 'null', undef) {
        my $answer = chat_from($origin, '/any');
        is(cors_of($answer)->{'allow-origin'}, '*', ($origin // 'none') . ': *');
        is(varies_by($answer), '', 'the answer is the same for all');
    }
    is_deeply(cors_of(chat_from($SHOP, '/off')), {}, 'Off inside');
    is(varies_by(chat_from($SHOP, '/off')), '', 'and no Vary');
};

subtest 'credentials' => sub {
    my $answer = chat_from($SHOP, '/cookies');
    is(cors_of($answer)->{'allow-credentials'}, 'true', 'On');
    is(cors_of($answer)->{'allow-origin'}, $SHOP, 'for the one origin');
    is_deeply(cors_of(chat_from('https://evil.example.com', '/cookies')), {}, 'not for another');
    is(cors_of(chat_from($SHOP, '/cookies/without'))->{'allow-credentials'}, undef, 'Off inside');
    is(cors_of(chat_from($SHOP, '/cookies/without'))->{'allow-origin'}, $SHOP, 'with the origins of outside');
};

subtest 'every kind of answer' => sub {
    my $try = sub {
        my ($name, $status, $answer, $vary) = @_;
        is($answer->{status}, $status, $name);
        is(cors_of($answer)->{'allow-origin'}, $SHOP, 'may be read');
        for my $header ('X-Request-ID', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Chatbot-Session', 'X-Session-Id') {
            like(cors_of($answer)->{'expose-headers'} // '', qr/(?:^|, )\Q$header\E(?:,|$)/, "with its $header");
        }
        is(varies_by($answer), $vary // 'origin', 'Vary');
        return $answer;
    };
    $try->('an answer that waited', 200, chat_from($SHOP, '/chat', { message => '{{delay 50}}' }));
    my $stream = $try->('a stream', 200, chat_from($SHOP, '/chat', { message => 'Hello', stream => JSON::PP::true() }));
    like($stream->{headers}{'content-type'}, qr{^text/event-stream}, 'of events');
    $try->('a validation error', 422, chat_from($SHOP, '/chat', {}));
    $try->('what is no JSON', 415, chat_from($SHOP, '/chat', 'a', 'Content-Type' => 'text/plain'));
    $try->('an upstream error', 502, chat_from($SHOP, '/chat', { message => '{{error accessDeniedException}}' }));
    $try->('a method not taken', 405, $server->request('GET', '/chat', headers => { Origin => $SHOP }));
    chat_from($SHOP, '/limited');
    my $limited = $try->('over the limit', 429, chat_from($SHOP, '/limited'));
    like($limited->{headers}{'retry-after'}, qr/^\d+$/, 'Retry-After is there');
    $try->('httpd\'s own refusal', 403, chat_from($SHOP, '/closed'));
    $try->('nobody is authenticated', 401, chat_from($SHOP, '/private'));
    $try->('an ErrorDocument', 422, chat_from($SHOP, '/own-page', {}));
    $try->('health', 200, $server->request('GET', '/health', headers => { Origin => $SHOP }));
    $try->('HEAD', 200, $server->request('HEAD', '/health', headers => { Origin => $SHOP }));
    $try->('metrics', 200, $server->request('GET', '/metrics', headers => { Origin => $SHOP }));
    $try->('the API\'s document', 200, $server->request('GET', '/openapi.json', headers => { Origin => $SHOP }));
    my $completion = $try->('a completion', 200, chat_from($SHOP, '/v1/chat/completions',
        { model => 'chatbot', messages => [ { role => 'user', content => 'Hello' } ] }));
    ok($completion->{headers}{'x-session-id'}, 'X-Session-Id is there');
    $try->('no completion', 400, chat_from($SHOP, '/v1/chat/completions', {}));
    my $session = chat_from($SHOP)->{json}{session_id};
    $try->('a session', 200, $server->request('GET', "/sessions/$session", headers => { Origin => $SHOP }));
    $try->('no session', 404, $server->request('GET', '/sessions/none-such', headers => { Origin => $SHOP }));
    $try->('a session deleted', 204, $server->request('DELETE', "/sessions/$session", headers => { Origin => $SHOP }));
    is_deeply(cors_of($server->request('GET', '/page.html', headers => { Origin => $SHOP })), {}, 'others\' pages are theirs');
};

# What a browser asks before a request that is not simple.
sub preflight {
    my ($path, $origin, $method, $names) = @_;
    return $server->request('OPTIONS', $path, headers => { Origin => $origin, 'Access-Control-Request-Method' => $method,
        defined $names ? ('Access-Control-Request-Headers' => $names) : () });
}

subtest 'preflight' => sub {
    my $vary = 'access-control-request-headers access-control-request-method origin';
    my $before = $emulator->count('operations');
    my $answer = preflight('/chat', $SHOP, 'POST', 'content-type,x-request-id');
    is($answer->{status}, 204, 'no content');
    is($answer->{body}, '', 'and no body');
    is_deeply(cors_of($answer), { 'allow-origin' => $SHOP, 'allow-methods' => 'POST, OPTIONS', 'max-age' => 600,
        'allow-headers' => 'content-type,x-request-id', 'expose-headers' => cors_of($answer)->{'expose-headers'} },
        'what may be sent');
    is(varies_by($answer), $vary, 'Vary');
    is($answer->{headers}{allow}, 'POST, OPTIONS', 'Allow');
    is(cors_of(preflight('/sessions/s1', $SHOP, 'DELETE'))->{'allow-methods'}, 'DELETE, GET, HEAD, OPTIONS',
        'the methods of sessions');
    is(cors_of(preflight('/health', $SHOP, 'GET'))->{'allow-methods'}, 'GET, HEAD, OPTIONS', 'of health');
    is(cors_of(preflight('/v1/chat/completions', $SHOP, 'POST', 'authorization,x-stainless-os'))->{'allow-methods'},
        'POST, OPTIONS', 'of completions');
    is(cors_of(preflight('/metrics', $SHOP, 'GET'))->{'allow-methods'}, 'GET, HEAD, OPTIONS', 'of metrics');
    like(cors_of(preflight('/chat', $SHOP, 'POST'))->{'allow-headers'}, qr/^Content-Type, .*Authorization.*traceparent/,
        'the usual headers when none are named');
    for my $names ('a"b', 'x' x 2000, 'a;b', 'a:b', "a\xe9", '') {
        like(cors_of(preflight('/chat', $SHOP, 'POST', $names))->{'allow-headers'}, qr/^Content-Type, /,
            'and for ' . substr("\"$names\"", 0, 20));
    }
    is(cors_of(preflight('/cookies', $SHOP, 'POST'))->{'allow-credentials'}, 'true', 'credentials');
    $answer = preflight('/any', 'https://evil.example.com', 'POST', 'authorization');
    is(cors_of($answer)->{'allow-origin'}, '*', 'any origin');
    is(cors_of($answer)->{'allow-headers'}, 'authorization', 'any header');
    is(varies_by($answer), $vary, 'Vary');

    $answer = preflight('/chat', 'https://evil.example.com', 'POST', 'content-type');
    is($answer->{status}, 204, 'an origin that is not listed: a plain answer');
    is_deeply(cors_of($answer), {}, 'without a header of the protocol');
    is(varies_by($answer), $vary, 'Vary all the same');
    $answer = $server->request('OPTIONS', '/chat', headers => { Origin => $SHOP });
    is(cors_of($answer)->{'allow-methods'}, undef, 'OPTIONS that is no preflight');
    $answer = preflight('/off', $SHOP, 'POST', 'content-type');
    is_deeply([ $answer->{status}, cors_of($answer), varies_by($answer) ], [ 204, {}, '' ], 'Off');

    for my $path ('/private', '/private/any-of') {
        is(preflight($path, $SHOP, 'POST', 'authorization')->{status}, 204, "$path: preflight needs no password");
        is(chat_from($SHOP, $path)->{status}, 401, 'the request does');
        is(chat_from($SHOP, $path, undef, Authorization => 'Basic YW5uOnRlc3Q=')->{status}, 200, 'and is answered with it');
    }
};

subtest 'on a connection that was adopted' => sub {
    my $client = $server->client;
    for my $origin ($SHOP, 'https://evil.example.com', $SHOP) {
        my $answer = $client->request('POST', '/chat', body => { message => '{{delay 20}}' }, headers => { Origin => $origin });
        is(cors_of($answer)->{'allow-origin'}, $origin eq $SHOP ? $SHOP : undef, $origin);
    }
};
$server->stop_ok;

subtest 'what cannot work stops configtest' => sub {
    my @wrong = (
        [ 'ChatbotCORS',                                     qr/ChatbotCORS: write Off, \*, or/ ],
        [ 'ChatbotCORS www.example.com',                     qr/"www.example.com" is no origin; write scheme/ ],
        [ 'ChatbotCORS https://a.example.com/',              qr/no path, and no slash/ ],
        [ 'ChatbotCORS https://a.example.com/chat',          qr/no path, and no slash/ ],
        [ 'ChatbotCORS https://*.example.com',               qr/is no origin; write .*each host by itself/ ],
        [ 'ChatbotCORS https://a.example.com,https://b.com', qr/is no origin|no path/ ],
        [ 'ChatbotCORS https://user@a.example.com',          qr/is no origin/ ],
        [ 'ChatbotCORS https://a.example.com:0',             qr/is no origin/ ],
        [ 'ChatbotCORS https://a.example.com:65536',         qr/is no origin/ ],
        [ 'ChatbotCORS https://a.example.com:',              qr/is no origin/ ],
        [ 'ChatbotCORS https://[::1',                        qr/is no origin/ ],
        [ 'ChatbotCORS https://[nonsense]',                  qr/is no origin/ ],
        [ 'ChatbotCORS https://',                            qr/is no origin/ ],
        [ 'ChatbotCORS 1http://a',                           qr/is no origin/ ],
        [ "ChatbotCORS https://b\xfccher.example",           qr/is no origin/ ],
        [ 'ChatbotCORS null',                                qr/"null" is the origin of every sandboxed frame/ ],
        [ 'ChatbotCORS https://a.example.com *',             qr/"\*" stands alone/ ],
        [ 'ChatbotCORS https://a.example.com off',           qr/"off" stands alone/ ],
        [ 'ChatbotCORSCredentials perhaps',                  qr/must be On or Off/ ],
        [ "ChatbotCORS *\nChatbotCORSCredentials On",        qr/ChatbotCORSCredentials: .*exclude each other/ ],
        [ "ChatbotCORSCredentials On\nChatbotCORS *",        qr/ChatbotCORS: .*exclude each other/ ],
    );
    my $merged = qr{CHAT0590: .*ChatbotCORS \* on line \d+ of .*ChatbotCORSCredentials On on line \d+ of .*apply to (\S+):};
    push @wrong, map { [ $_, $merged ] } (
        "ChatbotCORS *\n<Location /chat>\nChatbotCORSCredentials On\n</Location>",
        "ChatbotCORSCredentials On\n<Location /chat>\nChatbotCORS *\n</Location>",
        "<Location /a>\nChatbotCORS *\n</Location>\n<Location /a>\nChatbotCORSCredentials On\n</Location>",
        "<Location /a>\nChatbotCORS *\n</Location>\n<Location /a/b>\nChatbotCORSCredentials On\n</Location>",
        "<Location /a/b>\nChatbotCORSCredentials On\n</Location>\n<Location /a>\nChatbotCORS *\n</Location>",
        "<Location /a>\nChatbotCORS *\n</Location>\n<LocationMatch ^/a/b\$>\nChatbotCORSCredentials On\n</LocationMatch>",
        "<Location /a/*>\nChatbotCORS *\n</Location>\n<Location /a/b>\nChatbotCORSCredentials On\n</Location>",
        "ChatbotCORS *\n<VirtualHost *:1>\nChatbotCORSCredentials On\n</VirtualHost>",
        "ChatbotCORS *\n<VirtualHost *:1>\n<Location /a>\nChatbotCORSCredentials On\n</Location>\n</VirtualHost>",
        "<Location /a>\nChatbotCORS *\n<If \"true\">\nChatbotCORSCredentials On\n</If>\n</Location>",
        "ChatbotCORS *\n<If \"true\">\nChatbotCORSCredentials On\n</If>",
    );
    for my $case (@wrong) {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $case->[0]);
        (my $name = $case->[0]) =~ s/\n/ /g;
        isnt($status, 0, "$name: refused");
        like($text, $case->[1], 'with the reason');
        like($text, qr/on line \d+ of/, 'and the line');
    }
    for my $right ('ChatbotCORS *', 'ChatbotCORS Off', 'ChatbotCORSCredentials On', 'ChatbotCORS app://x chrome-extension://abcdefgh',
        "ChatbotCORS *\n<Location /a>\nChatbotCORS $SHOP\nChatbotCORSCredentials On\n</Location>",
        "ChatbotCORS *\n<Location /a>\nChatbotCORS Off\nChatbotCORSCredentials On\n</Location>",
        "ChatbotCORSCredentials On\n<Location /a>\nChatbotCORS *\nChatbotCORSCredentials Off\n</Location>",
        "<Location /a>\nChatbotCORS *\n</Location>\n<Location /ab>\nChatbotCORSCredentials On\n</Location>",
        "<Location /a>\nChatbotCORS *\n</Location>\n<VirtualHost *:1>\n<Location /b>\nChatbotCORSCredentials On\n</Location>\n</VirtualHost>") {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $right);
        is($status, 0, 'taken: ' . $right =~ s/\n/ /gr) or diag($text);
    }
};

subtest 'what only a request shows' => sub {
    my $hidden = Chatbot::Server->start(chatbot => <<'CONF');
ChatbotCORS *
<LocationMatch "^/hid[d]en$">
    SetHandler chatbot
    ChatbotCORSCredentials On
</LocationMatch>
CONF
    for (1 .. 2) {
        my $answer = $hidden->request('POST', '/hidden', body => { message => 'Hello' }, headers => { Origin => $SHOP });
        is(cors_of($answer)->{'allow-origin'}, '*', 'any origin');
        is(cors_of($answer)->{'allow-credentials'}, undef, 'without credentials');
    }
    is(scalar(() = $hidden->error_log =~ /CHAT0591: /g), 1, 'said once');
    $hidden->stop_ok;
};

done_testing();
