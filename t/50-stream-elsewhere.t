#!/usr/bin/env perl
# Streamed answers where nothing can be suspended (worker, prefork, HTTP/2), and over TLS.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Events qw(events_of text_of);
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $slow = $ENV{SANITIZER} ? 10 : 1;

sub stream { my ($server, $message, @more) = @_; return Chatbot::Events->open($server, { message => $message }, @more) }

sub streams_as_ever {
    my ($server) = @_;
    my @events = stream($server, '{{chunk-delay 60}}{{words 6}}')->rest;
    is($events[0]{event}, 'session', 'it begins with the session');
    is($events[-1]{event}, 'done', 'and ends with done');
    is(text_of(@events), $events[-1]{json}{response}, 'all text came');
    cmp_ok($events[-1]{at} - $events[0]{at}, '>', 0.15, 'while it was made');
    @events = stream($server, '{{delay 700}}Hello')->rest;
    cmp_ok(scalar(grep { exists $_->{comment} } @events), '>=', 2, 'signs of life before the first token');
    is($server->chat({ message => '{{error accessDenied}}', stream => JSON::PP::true })->{status}, 502, 'an error is a status');
    is((stream($server, '{{stream-error throttling 2}}{{words 6}}')->rest)[-1]{event}, 'error', 'and behind text an event');
    my $client = $server->client;
    for my $n (1 .. 2) {
        my $answer = $client->request('POST', '/chat', body => { message => "{{words $n}}", stream => JSON::PP::true });
        is((events_of($answer->{body}))[-1]{event}, 'done', 'a stream on a connection that is kept');
        is($client->request('GET', '/page.html')->{status}, 200, 'then a file');
    }
    return;
}

sub gone_is_noticed {
    my ($server) = @_;
    for my $message ('{{hang}}', '{{chunk-delay 100}}{{words 200}}', '{{hang-after 3}}{{words 9}}') {
        my $before = $emulator->count('cancelled');
        my $stream = stream($server, $message);
        if ($message eq '{{hang}}') { Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 1 }) }
        else { $stream->next_event for 1 .. 2 }
        my $left = time();
        $stream->client->close;
        ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled') == $before + 1 }), "$message: a client that leaves is noticed");
        cmp_ok(time() - $left, '<', 0.6 * $slow, 'soon');
    }
    return;
}

for my $mpm (qw(worker prefork)) {
    subtest "the $mpm MPM" => sub {
        my $server = Chatbot::Server->start(mpm => $mpm, threads => $mpm eq 'worker' ? 10 : 1,
            children => $mpm eq 'worker' ? 1 : 6, chatbot => 'ChatbotStreamHeartbeat 200ms');
        streams_as_ever($server);
        gone_is_noticed($server);
        my @in_flight = map { stream($server, '{{chunk-delay 150}}{{words 8}}') } 1 .. 3;
        $_->next_event for @in_flight;
        ok($server->graceful, 'graceful');
        is(scalar(grep { ($_->rest)[-1]{event} eq 'done' } @in_flight), 3, 'streams in flight come to their end');
        my @hanging = map { stream($server, '{{hang-after 2}}{{words 9}}') } 1 .. 3;
        $_->next_event for @hanging;
        my $started = time();
        $server->stop_ok('it stops with streams in flight');
        cmp_ok(time() - $started, '<', 2 * $slow, 'at once');
    };
}

my $tls = sub {
    my ($self) = @_;
    my $dir = $self->{dir};
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
            . "-keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null") == 0 or die "openssl req failed\n";
    chmod(0600, "$dir/key.pem");
    return <<"CONF";
@{[ $self->{option}{http2} ? 'Protocols h2 h2c http/1.1' : '' ]}
Listen 127.0.0.1:$self->{ports}[0] https
<VirtualHost 127.0.0.1:$self->{ports}[0]>
    SSLEngine On
    SSLCertificateFile $dir/cert.pem
    SSLCertificateKeyFile $dir/key.pem
    DocumentRoot $dir/htdocs
</VirtualHost>
CONF
};

# A curl that prints a stream as it comes; each line gets the time.
sub curl {
    my ($url, $message, @options) = @_;
    my $pid = open(my $out, '-|', 'curl', '-skN', '--max-time', 20, '-H', 'Content-Type: application/json', @options,
        '-d', JSON::PP->new->encode({ message => $message, stream => JSON::PP::true }), $url) // die "curl: $!\n";
    return ($pid, $out);
}

sub over_curl {
    my ($url, @options) = @_;
    my (undef, $out) = curl($url, '{{chunk-delay 80}}{{words 6}}', @options);
    my ($text, @times) = ('');
    while (my $line = <$out>) {
        $text .= $line;
        push @times, time() if $line =~ /^event: delta/;
    }
    close($out);
    my @events = events_of($text);
    is($events[-1]{event}, 'done', 'a whole stream');
    is(text_of(@events), $events[-1]{json}{response}, 'with all its text');
    cmp_ok($times[-1] - $times[0], '>', 0.2, 'while it was made');
    my $before = $emulator->count('cancelled');
    my ($pid, $hanging) = curl($url, '{{hang-after 2}}{{words 9}}', @options);
    1 while ($_ = <$hanging>) !~ /^event: delta/;
    my $left = time();
    kill('KILL', $pid);
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled') == $before + 1 }), 'a client that leaves is noticed');
    cmp_ok(time() - $left, '<', 0.6 * $slow, 'soon');
    close($hanging);
    return;
}

subtest 'TLS' => sub {
    my $server = Chatbot::Server->start(modules => [qw(ssl socache_shmcb)], ports => 1, threads => 3, config => $tls,
        chatbot => 'ChatbotStreamHeartbeat 200ms');
    my $url = "https://127.0.0.1:$server->{ports}[0]/chat";
    over_curl($url, '--http1.1');
    my @many = map { [ curl($url, '{{chunk-delay 200}}{{words 6}}', '--http1.1') ] } 1 .. 8;
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 8 });
    is($server->request('GET', '/page.html')->{status}, 200, 'eight streams over TLS hold none of 3 threads');
    my @whole = grep { my $out = $_->[1]; my $text = join '', <$out>; $text =~ /^event: done/m } @many;
    is(scalar @whole, 8, 'and come to their end');
    $server->stop_ok;
};

subtest 'HTTP/2' => sub {
    plan skip_all => 'curl has no HTTP/2' if `curl -V` !~ /\bHTTP2\b/;
    my $server = Chatbot::Server->start(modules => [qw(ssl socache_shmcb http2)], ports => 1, http2 => 1, config => $tls,
        chatbot => 'ChatbotStreamHeartbeat 200ms');
    over_curl("https://127.0.0.1:$server->{ports}[0]/chat", '--http2');
    over_curl($server->url('/chat'), '--http2-prior-knowledge');
    $server->stop_ok;
};

done_testing();
