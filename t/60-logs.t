#!/usr/bin/env perl
# conf/logging.conf: each line of the access log and of the error log is one JSON object, whatever clients
# send; and the notes that LogFormat has of a chat.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use Chatbot::Server;

my $json = JSON::PP->new->utf8;

# The file as shipped, writing into the server's folder.
sub logging_conf {
    my ($server) = @_;
    open(my $file, '<', 'conf/logging.conf') or die "conf/logging.conf: $!";
    my $text = do { local $/ = undef; <$file> };
    $text =~ s{/dev/stdout}{$server->{dir}/json_log} or die 'no access log in conf/logging.conf';
    $text =~ s{^ErrorLog /dev/stderr}{}m or die 'no error log in conf/logging.conf';
    return $text;
}

my $server = Chatbot::Server->start(config => sub {
    my ($self) = @_;
    return logging_conf($self) . qq(LogFormat "[%^Jr,%{Content-Type}^Jo,%{X-Request-ID}^Jo,%{X-None}^Jo]" rest\nCustomLog "$self->{dir}/rest_log" rest\n);
});

sub lines {
    return split /\n/, Chatbot::Httpd::_slurp("$server->{dir}/json_log");
}

# What the access log says of requests with that path, once there is one.
sub logged {
    my ($path) = @_;
    my @found;
    Chatbot::Httpd::wait_for(5, sub {
        @found = grep { ($_->{path} // '') eq $path } map { $json->decode($_) } lines();
        return scalar @found;
    });
    return $found[-1];
}

# Bytes as they are, on a connection of their own; true when an answer came.
sub send_raw {
    my ($bytes) = @_;
    my $client = $server->client;
    syswrite($client->{socket}, $bytes);
    return eval { $client->answer };
}

subtest 'a chat' => sub {
    my $chat = $server->chat({ message => 'Hello', user_id => "J\x{fc}rgen \"J\" \\ O'Neil\n" },
        headers => { 'X-Request-ID' => 'log-1', 'User-Agent' => 'a "browser" \\ of \'mine\'' });
    is($chat->{status}, 200, 'is answered');
    my $line = logged('/chat');
    is($line->{request_id}, 'log-1', 'its request id');
    is($line->{session}, $chat->{json}{session_id}, 'its session');
    is($line->{outcome}, 'success', 'its outcome');
    is($line->{tokens}, $chat->{json}{tokens_used}, 'its tokens, a number');
    like($line->{upstream_ms}, qr/^\d+$/, 'its time at AWS');
    like($line->{first_ms}, qr/^\d+$/, 'and until the first text');
    is($line->{retries}, 0, 'its retries');
    like($line->{aws_request_id}, qr/^[0-9a-f-]{36}$/, 'AWS\'s request id');
    is($line->{chat_user}, "J\x{fc}rgen \"J\" \\ O'Neil\n", 'its user, whatever is in the name');
    is($line->{user_agent}, 'a "browser" \\ of \'mine\'', 'its browser');
    is_deeply([ @$line{qw(method status query referer)} ], [ 'POST', 200, undef, undef ], 'and the request');
    like($line->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$/, 'and when');
};

subtest 'the formats that conf/logging.conf leaves out' => sub {
    my $line = Chatbot::Httpd::wait_for(5, sub {
        my @lines = map { $json->decode($_) } split /\n/, Chatbot::Httpd::_slurp("$server->{dir}/rest_log");
        return (grep { ($_->[2] // '') eq 'log-1' } @lines)[0];
    });
    is_deeply($line, [ 'POST /chat HTTP/1.1', 'application/json', 'log-1', undef ], 'the first line, headers of the answer');
};

subtest 'hostile requests' => sub {
    my $before = scalar lines();
    my @bytes = map { chr } 1 .. 9, 11, 12, 14 .. 31, 127 .. 255;
    my @requests = (
        (map { "GET /a%" . sprintf('%02x', ord) . "b?\"\\x HTTP/1.1\r\nHost: x\r\n" } @bytes, qw(" \\ { } ' < >)),
        (map { "GET /b HTTP/1.1\r\nHost: x\r\nUser-Agent: a${_}b\r\n" } @bytes, '"', '\\', '\\"', '\\u0000', "\xc3", "\xe2\x82"),
        (map { "GET /c${_}d?$_ HTTP/1.1\r\nHost: x\r\n" } @bytes, '"', '\\', "\xc3\xa4"),
        "GET /e HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \"},{\"status\":200\r\nReferer: " . ('"' x 4000) . "\r\n",
        "GET /" . ("\xc3\xa4" x 1000) . ('%22' x 500) . " HTTP/1.1\r\nHost: x\r\nUser-Agent: " . ("\xff" x 4000) . "\r\n",
        "BAD\"METHOD\\ /f HTTP/1.1\r\nHost: x\r\n", "GET /g HTTP/9.\"\r\nHost: x\r\n", "\"\\\xff\x01\r\n",
        "GET /h HTTP/1.1\r\nHost: a\"b\\\r\n",
    );
    send_raw("$_" . "Connection: close\r\n\r\n") for @requests;
    is($server->request('GET', '/last')->{status}, 404, scalar(@requests) . ' were sent, httpd is fine');
    logged('/last');
    my @new = lines();
    splice(@new, 0, $before);
    cmp_ok(scalar @new, '>=', @requests - 2, 'each has its line');
    my @broken = grep { !eval { $json->decode($_) } } @new;
    is(scalar @broken, 0, 'each line is JSON') or diag($broken[0]);
    is(scalar(grep { ref eval { $json->decode($_) } ne 'HASH' } @new), 0, 'one object');
    is(scalar(grep { length($_) > 8000 } @new), 0, 'below 8 KB');
    is(logged("/a\x{01}b")->{query}, '"\\x', 'a control byte is the character it was');
    my @browsers = map { eval { $json->decode($_)->{user_agent} } // '' } @new;    # in any order
    is(scalar(grep { $_ eq "a\x{e2}\x{82}b" } @browsers), 1, 'bytes that are no UTF-8 are kept one by one');
    is(logged("/c\x{e4}d")->{query}, "\x{e4}", 'UTF-8 is UTF-8');
    like(logged('/e')->{referer}, qr/^"{100,}\.\.\.$/, 'what is long is cut');
    is(logged('/e')->{forwarded_for}, '"},{"status":200', 'nobody gets out of a string');
};

subtest 'the error log' => sub {
    is($server->chat('{{stream-error-code internalError a "quoted" \\ word}}{{empty}}Hello')->{status}, 502, 'a chat fails');
    my @lines = grep { /\S/ } split /\n/, $server->error_log;
    my ($start) = grep { $lines[$_] =~ /^\{/ } 0 .. $#lines;
    my @broken = grep { !eval { $json->decode($_) } } @lines[ $start .. $#lines ];
    is(scalar @broken, 0, 'each line is JSON once the configuration was read') or diag($broken[0]);
    my ($error) = grep { $_->{message} =~ /CHAT0301/ } map { $json->decode($_) } @lines[ $start .. $#lines ];
    is_deeply([ @$error{qw(level module)} ], [ 'error', 'chatbot' ], 'with its level and its module');
    like($error->{message}, qr/^CHAT0301: request .* a "quoted" \\ word/, 'and the message as it was');
    ok(scalar(grep { $_->{message} =~ m{/c\x{ff}d$} } map { $json->decode($_) } @lines[ $start .. $#lines ]),
        'bytes that are no UTF-8 are kept one by one');
    ok(scalar(grep { $_->{message} =~ m{/c\x{e4}d$} } map { $json->decode($_) } @lines[ $start .. $#lines ]),
        'UTF-8 is UTF-8');
};

$server->stop_ok;

subtest 'internal redirects' => sub {
    my $other = Chatbot::Server->start(modules => ['rewrite'], config => sub {
        my ($self) = @_;
        return <<"CONF";
<Location "/own-page">
    SetHandler chatbot
    ErrorDocument 502 /page.html
    ErrorDocument 422 /health
</Location>
<Directory "$self->{dir}/htdocs">
    RewriteEngine On
    RewriteRule ^rewritten\$ /chat [PT]
</Directory>
LogFormat "%{chatbot-outcome}n %<{chatbot-outcome}n %{chatbot-outcome}^Jn %{chatbot-tokens}^JN %>s %{chatbot-request-id}n" chain
CustomLog "$self->{dir}/chain_log" chain
CONF
    });
    for my $case (
        [ '/own-page',  'Hello', 'success success "success" \d+ 200' ],
        [ '/own-page',  '{{error ValidationException}}', 'upstream_error upstream_error "upstream_error" null 502' ],
        [ '/own-page',  '', 'validation_error validation_error "validation_error" null \d+' ],
        [ '/rewritten', 'Hello', 'success success "success" \d+ 200' ],
        [ '/rewritten', '{{delay 50}}Hello', 'success success "success" \d+ 200' ],
    ) {
        my ($path, $message, $pattern) = @$case;
        my $answer = $other->request('POST', $path, body => { message => $message });
        my $line = qr/^$pattern \Q$answer->{headers}{'x-request-id'}\E$/m;
        ok(Chatbot::Httpd::wait_for(5, sub { Chatbot::Httpd::_slurp("$other->{dir}/chain_log") =~ $line }), "$path, '$message': $pattern")
            or diag(Chatbot::Httpd::_slurp("$other->{dir}/chain_log"));
    }
    $other->stop_ok;
};

done_testing();
