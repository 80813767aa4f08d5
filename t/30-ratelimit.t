#!/usr/bin/env perl
# The rate limit: exact over children and restarts, its headers, whose count it is, where it applies.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;
use Chatbot::Load;

# What an answer says: (r, t) of RateLimit.
sub rate_of {
    my ($answer) = @_;
    return ($answer->{headers}{ratelimit} // '') =~ /^"default";r=(\d+);t=(\d+)$/;
}

sub statuses {
    my ($server, $count, %option) = @_;
    return [ map { $server->chat('Hello', %option)->{status} } 1 .. $count ];
}

sub from {
    my ($address) = @_;
    return (headers => { 'X-Forwarded-For' => $address });
}

subtest 'exactly 100 of 130 at a time, over four children and a graceful restart' => sub {
    my $server = Chatbot::Server->start(children => 4, threads => 4, chatbot => 'ChatbotRateLimit 100 1h');
    my $load = Chatbot::Load->start($server->port, '-x', -c => 26, -r => 100, -n => 130, 'POST /chat {"message":"{{delay 30}} Hello"}');
    Chatbot::Httpd::wait_for(20, sub { $server->emulator->count('in_progress_most') >= 1 });
    ok($server->graceful, 'restarted under way');
    my $result = $load->result;
    is_deeply($result->{statuses}, { 200 => 100, 429 => 30 }, '100 answered, 30 refused') or diag(explain($result));
    is($server->chat('Hello')->{status}, 429, 'the next one is refused, too');
    ok($server->graceful, 'after another restart');
    is($server->chat('Hello')->{status}, 429, 'it still is');
    $server->stop_ok;
};

subtest 'the default, and its headers' => sub {
    my $server = Chatbot::Server->start(quiet => 0, chatbot => "<IfDirective ChatbotMetrics>\nChatbotMetrics Off\n</IfDirective>\n"
        . "<IfDirective ChatbotSessionStore>\nChatbotSessionStore none\n</IfDirective>");
    my $answer = $server->chat('Hello');
    is($answer->{status}, 200, 'a first chat');
    is($answer->{headers}{'ratelimit-policy'}, '"default";q=100;w=3600', '100 an hour');
    is($answer->{headers}{ratelimit}, '"default";r=99;t=3600', '99 remain');
    $answer = $server->chat('Hello');
    my ($remaining, $time) = rate_of($answer);
    is($remaining, 98, 'then 98');
    cmp_ok($time, '<=', 3600, 'until the first is an hour old');
    for my $case ([ 422, {} ], [ 415, '{"message":"a"}' ]) {
        my ($status, $body) = @$case;
        $answer = $server->request('POST', '/chat', body => $body);
        is($answer->{status}, $status, "a chat that is refused with $status");
        is((rate_of($answer))[0], 98, 'has the headers, too, and is not counted');
    }
    my $failed = $server->chat('{{error 400}} Hello');
    is((rate_of($failed))[0], 97, 'a chat that fails is counted');
    is($server->request('GET', '/health')->{headers}{ratelimit}, undef, '/health has no limit');
    $server->stop_ok;
};

subtest 'Retry-After is enough' => sub {
    my $server = Chatbot::Server->start(chatbot => "ChatbotRateLimit 2 2s\nErrorDocument 404 /page.html");
    is_deeply(statuses($server, 2), [ 200, 200 ], 'two chats in two seconds');
    my $answer = $server->chat('Hello');
    is($answer->{status}, 429, 'the third is refused');
    is($answer->{json}{error_code}, 'rate_limited', 'as rate_limited');
    like($answer->{json}{error}, qr/wait/, 'in words');
    my ($remaining, $time) = rate_of($answer);
    is($remaining, 0, 'none remains');
    is($answer->{headers}{'retry-after'}, $time, 'Retry-After agrees with RateLimit');
    cmp_ok($time, '<=', 2, 'not longer than the window');
    is($server->notes($answer->{headers}{'x-request-id'})->{outcome}, 'rate_limited', 'the access log says so');
    my $until = time() + $time;
    Chatbot::Httpd::wait_for($time + 1, sub { time() >= $until });
    is($server->chat('Hello')->{status}, 200, 'after that time the next one is answered');
    $server->stop_ok;
};

subtest 'whose count' => sub {
    my $server = Chatbot::Server->start(modules => ['remoteip'], chatbot => <<'CONF');
ChatbotRateLimit 1 1h
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
CONF
    is_deeply(statuses($server, 2, from('198.51.100.1')), [ 200, 429 ], 'an IPv4 address');
    is_deeply(statuses($server, 2, from('198.51.100.2')), [ 200, 429 ], 'its neighbour');
    is($server->chat('Hello', from('::ffff:198.51.100.1'))->{status}, 429, 'the first one written as IPv6');
    is($server->chat('Hello', from('2001:db8:0:1::1'))->{status}, 200, 'an IPv6 address');
    is($server->chat('Hello', from('2001:db8:0:1:ffff:ffff:ffff:ffff'))->{status}, 429, 'another one of its network');
    is($server->chat('Hello', from('2001:db8:0:2::1'))->{status}, 200, 'the next network');
    $server->stop_ok;
};

subtest 'keys' => sub {
    my $server = Chatbot::Server->start(chatbot => <<'CONF');
ChatbotRateLimit 1 1h
ChatbotRateLimitKey %{HTTP:X-Api-Key}
<Location "/everybody">
    SetHandler chatbot
    ChatbotRateLimit 1 1h
    ChatbotRateLimitKey everybody
</Location>
<Location "/by-address">
    SetHandler chatbot
    ChatbotRateLimitKey %{REMOTE_ADDR}
</Location>
CONF
    my $ask = sub { my ($path, $key) = @_;
        return $server->request('POST', $path, body => { message => 'Hello' }, headers => { 'X-Api-Key' => $key }) };
    is($ask->('/chat', 'one')->{status}, 200, 'a key');
    is($ask->('/chat', 'one')->{status}, 429, 'again');
    my $other = $ask->('/chat', 'two');
    is($other->{status}, 200, 'another key');
    is($other->{headers}{vary}, undef, 'the answer does not vary with it');
    is($ask->('/chat', '127.0.0.1')->{status}, 200, 'a key that looks like an address');
    is($ask->('/chat', undef)->{status}, 200, 'is not that address: without a key it has a count of its own');
    is($ask->('/chat', '')->{status}, 429, 'and an empty key is none');
    is($ask->('/everybody', 'one')->{status}, 200, 'a constant');
    is($ask->('/everybody', 'two')->{status}, 429, 'is one count for all');
    is($ask->('/by-address', 'one')->{status}, 200, 'a location with another key');
    is($ask->('/by-address', 'two')->{status}, 429, 'counts by that');
    $server->stop_ok;
};

subtest 'where it applies' => sub {
    my $server = Chatbot::Server->start(ports => 1, config => sub { <<"CONF" }, chatbot => <<'CONF2');
Listen 127.0.0.1:$_[0]{ports}[0]
<VirtualHost 127.0.0.1:$_[0]{ports}[0]>
    ServerName other.example
    ChatbotRateLimit 1 1h
</VirtualHost>
CONF
ChatbotRateLimit 1 1h
<Location "/also">
    SetHandler chatbot
</Location>
<Location "/own">
    SetHandler chatbot
    ChatbotRateLimit 2 1min
</Location>
<Location "/own/below">
    SetHandler chatbot
    ChatbotTimeout total=20
</Location>
<Location "/free">
    SetHandler chatbot
    ChatbotRateLimit off
</Location>
CONF2
    my $ask = sub { my ($path, $port) = @_;
        my $client = Chatbot::Client->new(port => $port // $server->port);
        return $client->request('POST', $path, body => { message => 'Hello' }) };
    is($ask->('/chat')->{status}, 200, 'one chat');
    is($ask->('/also')->{status}, 429, 'locations that share the line share the count');
    my $own = $ask->('/own');
    is($own->{status}, 200, 'a location with a line of its own has its own');
    is($own->{headers}{'ratelimit-policy'}, '"default";q=2;w=60', 'and its own policy');
    is($ask->('/own/below')->{status}, 200, 'which one within it');
    is($ask->('/own')->{status}, 429, 'shares');
    my $free = $ask->('/free');
    is($free->{status}, 200, 'Off is no limit');
    is($free->{headers}{ratelimit}, undef, 'and no header');
    is($ask->('/chat', $server->{ports}[0])->{status}, 200, 'a virtual host with a line of its own');
    is($ask->('/also', $server->{ports}[0])->{status}, 429, 'counts for itself');
    $server->stop_ok;
};

subtest 'streams' => sub {
    my $server = Chatbot::Server->start(chatbot => 'ChatbotRateLimit 1 1h');
    my $ask = sub { return $server->chat({ message => 'Hello', stream => JSON::PP::true }) };
    my $answer = $ask->();
    is($answer->{status}, 200, 'one stream');
    like($answer->{headers}{'content-type'}, qr{^text/event-stream}, 'of events');
    is($answer->{headers}{ratelimit}, '"default";r=0;t=3600', 'says what remains');
    $answer = $ask->();
    is($answer->{status}, 429, 'the next is refused before it begins');
    is($answer->{json}{error_code}, 'rate_limited', 'in JSON');
    $server->stop_ok;
};

subtest 'ErrorDocument' => sub {
    my $server = Chatbot::Server->start(chatbot => "ChatbotRateLimit 1 1h\nErrorDocument 429 /page.html");
    is($server->chat('Hello')->{status}, 200, 'one chat');
    my $answer = $server->chat('Hello');
    is($answer->{status}, 429, 'the next is refused');
    like($answer->{body}, qr/a page/, 'with the operator\'s page');
    cmp_ok($answer->{headers}{'retry-after'} // 0, '>', 3000, 'Retry-After');
    is((rate_of($answer))[0], 0, 'and RateLimit');
    $server->stop_ok;
};

subtest 'more clients than there is room for' => sub {
    my $server = Chatbot::Server->start(chatbot => "ChatbotRateLimitClients 20\nChatbotRateLimit 1 1h\nChatbotRateLimitKey %{HTTP:X-Api-Key}");
    my $client = $server->client;
    for my $key (1 .. 40) {
        my $answer = $client->request('POST', '/chat', body => { message => 'Hello' }, headers => { 'X-Api-Key' => $key });
        is($answer->{status}, 200, "client $key") if $answer->{status} != 200;
    }
    is($client->request('POST', '/chat', body => { message => 'Hello' }, headers => { 'X-Api-Key' => 40 })->{status}, 429, 'the last is known');
    is(() = $server->error_log =~ /CHAT0602:.*ChatbotRateLimitClients/g, 4, 'the log says it at 1, 2, 4 and 8 forgotten clients');
    $server->stop_ok;
};

for my $mpm (qw(worker prefork)) {
    my $server = Chatbot::Server->start(mpm => $mpm, children => 3, threads => 3, chatbot => 'ChatbotRateLimit 20 1h');
    my $result = Chatbot::Load->run($server->port, '-x', -c => 6, -n => 30, 'POST /chat {"message":"Hello"}');
    is_deeply($result->{statuses}, { 200 => 20, 429 => 10 }, "$mpm: exactly 20 of 30") or diag(explain($result));
    $server->stop_ok;
}

subtest 'configtest' => sub {
    for my $case (
        [ 'ChatbotRateLimit 100',                 qr/ChatbotRateLimit: "100" .*write Off/ ],
        [ 'ChatbotRateLimit 0 1h',                qr/ChatbotRateLimit: "0" .*write 1/ ],
        [ 'ChatbotRateLimit -1 1h',               qr/ChatbotRateLimit: "-1" .*write 1/ ],
        [ 'ChatbotRateLimit 99999999999 1h',      qr/ChatbotRateLimit: "99999999999" .*write 1/ ],
        [ 'ChatbotRateLimit many 1h',             qr/ChatbotRateLimit: "many" .*write 1/ ],
        [ 'ChatbotRateLimit 10 soon',             qr/ChatbotRateLimit: "soon" .*write 1s/ ],
        [ 'ChatbotRateLimit 10 500ms',            qr/ChatbotRateLimit: "500ms" .*write 1s/ ],
        [ 'ChatbotRateLimit 10 0',                qr/ChatbotRateLimit: "0" .*write 1s/ ],
        [ 'ChatbotRateLimit 10 31d',              qr/ChatbotRateLimit: "31d" .*write 1s/ ],
        [ 'ChatbotRateLimit 10 h',                qr/ChatbotRateLimit: "h" .*write 1s/ ],
        [ 'ChatbotRateLimit',                     qr/ChatbotRateLimit takes/ ],
        [ 'ChatbotRateLimitKey %{HTTP:',          qr/ChatbotRateLimitKey: .*is no expression: .*write/ ],
        [ 'ChatbotRateLimitKey %{NO_SUCH_THING}', qr/ChatbotRateLimitKey: .*is no expression: .*write/ ],
        [ 'ChatbotRateLimitClients 0',            qr/ChatbotRateLimitClients: "0" .*write 1/ ],
        [ 'ChatbotRateLimitClients 64k',          qr/ChatbotRateLimitClients: "64k" .*write 1/ ],
        [ "<VirtualHost *:1>\nChatbotRateLimitClients 5\n</VirtualHost>", qr/ChatbotRateLimitClients (?:cannot occur|not allowed)/ ],
    ) {
        my ($line, $pattern) = @$case;
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $line);
        (my $name = $line) =~ s/\n/ /g;
        isnt($status, 0, "$name: refused");
        like($text, $pattern, "$name: the reason, and what to write instead");
    }
    for my $line ('ChatbotRateLimit 1 1', 'ChatbotRateLimit 1000000 30d', 'ChatbotRateLimit 5 15min', 'ChatbotRateLimit 5 90S',
        'ChatbotRateLimit off', 'ChatbotRateLimitKey %{REMOTE_USER}', 'ChatbotRateLimitClients 1000000') {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $line);
        is($status, 0, "taken: $line") or diag($text);
    }
};

done_testing();
