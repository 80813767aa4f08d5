#!/usr/bin/env perl
# mod_deflate and mod_brotli compress our answers: from ChatbotCompressMinSize up, event streams never.
use strict;
use warnings;
use lib 't/lib';
use Cwd qw(abs_path);
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use Chatbot::Server;

my $tree = abs_path('.');

sub gunzipped {
    my ($bytes) = @_;
    gunzip(\$bytes => \my $text, Strict => 1) or return undef;
    return $text;
}

# Perl knows no Brotli; curl does, and shows the headers too.
sub curl {
    my ($server, @options) = @_;
    my $text = do {
        my $pid = open2(my $out, my $in, 'curl', '-sS', '-i', '--compressed', '--max-time', '10', @options);
        close $in;
        local $/ = undef;
        my $all = <$out>;
        waitpid($pid, 0);
        $all;
    };
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head;
    return { headers => \%headers, body => $body };
}

# A refusal that repeats its input: its length depends on nothing else.
sub refusal {
    my ($server, $length, %headers) = @_;
    return $server->request('POST', '/chat', body => { message => 'a', user_id => [ 'x' x $length ] },
        headers => { 'X-Request-ID' => 'fixed', %headers });
}

sub without_time {
    my ($text) = @_;
    return $text =~ s/"timestamp":\s*"[^"]*"/"timestamp":""/gr =~ s/"processing_time_ms":\s*[\d.]+/"processing_time_ms":0/gr;
}

# What is true of an answer that is not compressed.
sub is_plain {
    my ($answer, $name) = @_;
    return subtest $name => sub {
        is($answer->{headers}{'content-encoding'}, undef, 'not encoded');
        is($answer->{headers}{'content-length'}, length $answer->{body}, 'Content-Length');
        ok($answer->{json}, 'JSON');
    };
}

sub is_gzip {
    my ($answer, $name) = @_;
    return subtest $name => sub {
        is($answer->{headers}{'content-encoding'}, 'gzip', 'gzip');
        like($answer->{headers}{vary} // '', qr/\bAccept-Encoding\b/i, 'Vary: Accept-Encoding');
        my $length = $answer->{headers}{'content-length'};
        ok(!defined $length || $length == length $answer->{body}, 'Content-Length, when there is one');
        $answer->{text} = gunzipped($answer->{body});
        ok(eval { JSON::PP->new->utf8->decode($answer->{text}) }, 'JSON inside');
    };
}

# mod_filter, which AddOutputFilterByType belongs to, leaves errors alone.
my @BOTH = ([ 'the operator\'s file', "Include $tree/conf/chatbot.conf", 0 ],
    [ 'a filter for everything', 'SetOutputFilter DEFLATE', 1 ]);
for my $case (@BOTH) {
    my ($name, $config, $errors) = @$case;
    subtest $name => sub {
        my $server = Chatbot::Server->start(modules => [qw(filter deflate authz_host)], config => $config, chatbot => <<'CONF');
<Location "/small">
    SetHandler chatbot
    ChatbotCompressMinSize 0
    SetOutputFilter DEFLATE
</Location>
<Location "/never">
    SetHandler chatbot
    ChatbotCompressMinSize 100m
    SetOutputFilter DEFLATE
</Location>
CONF
        my @gzip = ('Accept-Encoding' => 'gzip');
        my $empty = length refusal($server, 0)->{body};
        for my $size ($errors ? (999, 1000, 1001, 5000, 40000) : 5000) {
            my $plain = refusal($server, $size - $empty);
            is(length $plain->{body}, $size, "an answer of $size bytes");
            is_plain($plain, 'without Accept-Encoding');
            is_plain(refusal($server, $size - $empty, 'Accept-Encoding' => $_), $_) for 'identity', 'gzip;q=0', '*;q=0';
            my $answer = refusal($server, $size - $empty, @gzip);
            if ($size < 1000 || !$errors) {
                is_plain($answer, 'not compressed');
                is($answer->{headers}{vary}, undef, 'and the same for everybody');
            } else {
                is_gzip($answer, 'compressed');
                is(without_time($answer->{text}), without_time($plain->{body}), 'the same inside');
                like($plain->{headers}{vary} // '', qr/\bAccept-Encoding\b/i, 'Vary on the plain one too');
            }
        }

        # The time it took is in it, so its length is known only when it is there.
        my %seen;
        my $around = length($server->chat({ message => '{{bytes 500}}', session_id => 'one' })->{body}) - 500;
        for my $bytes (map { 1000 - $around + $_ } -6 .. 6) {
            my $answer = $server->chat({ message => "{{bytes $bytes}}", session_id => 'one' }, headers => {@gzip});
            my $is_gzip = ($answer->{headers}{'content-encoding'} // '') eq 'gzip' ? 1 : 0;
            my $length = length($is_gzip ? gunzipped($answer->{body}) : $answer->{body});
            is($is_gzip, $length >= 1000 ? 1 : 0, "a chat's answer of $length bytes");
            $seen{$is_gzip} = 1;
        }
        is(keys %seen, 2, 'on both sides of the bound');

        for my $message ('{{bytes 20}}', '{{bytes 3000}}', '{{delay 50}} {{bytes 3000}}', '{{bytes 2000000}}', '{{unicode}} {{bytes 3000}}') {
            my %chat = (body => { message => $message, session_id => 'one' });
            my $plain = $server->request('POST', '/chat', %chat);
            my $answer = $server->request('POST', '/chat', %chat, headers => {@gzip});
            is($answer->{status}, 200, "a suspended chat: $message");
            if (length $plain->{body} < 1000) {
                is_plain($answer, 'plain');
                next;
            }
            is_gzip($answer, 'compressed');
            is(without_time($answer->{text}), without_time($plain->{body}), 'the same inside');
            cmp_ok(length $answer->{body}, '<', length $plain->{body}, 'and shorter');
        }

        my $client = $server->client;
        for my $bytes (3000, 10, 30000) {
            my $answer = $client->request('POST', '/chat', body => { message => "{{bytes $bytes}}" }, headers => {@gzip});
            is($answer->{headers}{'content-encoding'}, $bytes > 1000 ? 'gzip' : undef, "$bytes bytes on one connection");
        }

        my $stream = $server->request('POST', '/chat', body => { message => '{{words 500}}', stream => JSON::PP::true() },
            headers => {@gzip});
        is($stream->{headers}{'content-encoding'}, undef, 'a stream is not encoded');
        like($stream->{body}, qr/^event: session\n.*^event: done\n/ms, 'its events are text');

        is_gzip($server->request('POST', '/small', body => { message => 'Hello' }, headers => {@gzip}), 'ChatbotCompressMinSize 0');
        is_plain($server->request('POST', '/never', body => { message => '{{bytes 9000}}' }, headers => {@gzip}), 'and 100m');
        $server->stop_ok;
    };
}

subtest 'HEAD' => sub {
    my $server = Chatbot::Server->start(modules => [qw(filter deflate)], config => 'SetOutputFilter DEFLATE', chatbot => <<'CONF');
<Location "/metrics">
    SetHandler chatbot-metrics
</Location>
CONF
    for my $path ('/metrics', '/health') {
        for my $encoding ('identity', 'gzip') {
            my $client = $server->client;
            my @headers = (headers => { 'Accept-Encoding' => $encoding });
            my $get = $client->request('GET', $path, @headers);
            my $head = $client->request('HEAD', $path, @headers);
            is($head->{status}, 200, "$path, $encoding");
            is($head->{headers}{$_}, $get->{headers}{$_}, "$_ as for GET") for qw(content-type content-encoding vary cache-control);
            my $length = $head->{headers}{'content-length'};
            ok(!defined $length || $encoding ne 'identity' || $path eq '/metrics' || $length == length $get->{body}, 'Content-Length');
            ok(!defined $length || !defined $head->{headers}{'content-encoding'} || $length == length $get->{body},
                'never that of another encoding');
            is($client->request('GET', '/health')->{status}, 200, 'the connection goes on');
        }
    }
    is($server->request('GET', '/metrics', headers => { 'Accept-Encoding' => 'gzip' })->{headers}{'content-encoding'}, 'gzip',
        'the metrics are long enough');
    $server->stop_ok;
};

subtest 'Brotli' => sub {
    my $server = Chatbot::Server->start(modules => [qw(filter deflate brotli authz_host)], config => "Include $tree/conf/chatbot.conf");
    my $ask = sub {
        my ($encoding, $message) = @_;
        return curl($server, '-H', "Accept-Encoding: $encoding", '-H', 'Content-Type: application/json', '-d',
            JSON::PP->new->canonical->encode({ message => $message, session_id => 'one' }), $server->url('/chat'));
    };
    my $plain = $ask->('identity', '{{bytes 5000}}');
    is($plain->{headers}{'content-encoding'}, undef, 'identity');
    for my $case ([ 'br', 'br' ], [ 'gzip, br', 'br' ], [ 'gzip', 'gzip' ], [ 'gzip, br;q=0', 'gzip' ]) {
        my ($accept, $encoding) = @$case;
        my $answer = $ask->($accept, '{{bytes 5000}}');
        is($answer->{headers}{'content-encoding'}, $encoding, "$accept: $encoding");
        like($answer->{headers}{vary} // '', qr/\bAccept-Encoding\b/i, 'Vary');
        is(without_time($answer->{body}), without_time($plain->{body}), 'the same inside');
    }
    is($ask->('gzip, br', '{{bytes 20}}')->{headers}{'content-encoding'}, undef, 'too small');
    my $stream = $server->request('POST', '/chat', body => { message => '{{words 500}}', stream => JSON::PP::true() },
        headers => { 'Accept-Encoding' => 'br, gzip' });
    is($stream->{headers}{'content-encoding'}, undef, 'a stream is not encoded');
    like($stream->{body}, qr/^event: done\n/m, 'and ends');
    $server->stop_ok;
};

subtest 'requests that are compressed' => sub {
    my $server = Chatbot::Server->start(modules => [qw(filter deflate)], config => <<'CONF');
<Location "/inflated">
    SetHandler chatbot
    SetInputFilter DEFLATE
</Location>
CONF
    my $send = sub {
        my ($path, $body, $encoding) = @_;
        return $server->request('POST', $path, body => $body, headers => { 'Content-Type' => 'application/json', 'Content-Encoding' => $encoding });
    };
    gzip(\'{"message":"{{echo}}gzip"}' => \my $zipped);
    is($send->('/chat', $zipped, 'gzip')->{status}, 415, 'are refused');
    for my $encoding ('gzip', 'x-gzip') {
        my $answer = $send->('/inflated', $zipped, $encoding);
        is($answer->{status}, 200, "SetInputFilter DEFLATE: $encoding") or diag($server->error_log);
        is($answer->{json}{response}, 'gzip', 'is decoded');
    }
    is($send->('/inflated', '{"message":"Hello"}', 'identity')->{status}, 200, 'identity');
    is($send->('/inflated', $zipped, $_)->{status}, 415, "$_ is refused") for 'br', 'gzip, gzip';
    is($send->('/inflated', substr($zipped, 0, 20), 'gzip')->{status}, 400, 'a part of it');
    is($send->('/inflated', 'no gzip at all, but long enough for one', 'gzip')->{status}, 400, 'something else');
    gzip(\('{"message":"' . join(' ', 1 .. 15_000) . '"}') => \my $large);
    cmp_ok(length $large, '<', 65_536, 'a small body, large inside');
    is($send->('/inflated', $large, 'gzip')->{json}{error_code}, 'body_too_large', 'ChatbotMaxBody is of what is inside');
    $server->stop_ok;
};

for my $value ('small', '-1', '99999999999') {
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => "ChatbotCompressMinSize \"$value\"");
    isnt($status, 0, "ChatbotCompressMinSize \"$value\" is refused");
    like($text, qr/on line \d+ of.*\n?.*ChatbotCompressMinSize: .*write 0 to/, 'with the line and what to write');
}

done_testing();
