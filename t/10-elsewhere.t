#!/usr/bin/env perl
# The same chats where nothing can be suspended (worker, prefork, HTTP/2), and over TLS.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Http2;
use Chatbot::Server;
use Chatbot::Load;

my $emulator = Chatbot::Emulator->shared;
my $slow = $ENV{SANITIZER} ? 10 : 1;

# The essentials of the contract, on one connection and on several.
sub chats_as_ever {
    my ($server) = @_;
    my $client = $server->client;
    for my $n (1 .. 3) {
        my $answer = $client->request('POST', '/chat', body => { message => "{{echo}}{{delay 20}}text $n" });
        is($answer->{status}, 200, 'a chat');
        like($answer->{json}{response}, qr/text $n/, 'its own answer');
        is($client->request('GET', '/page.html')->{status}, 200, 'a file on the same connection');
        is($client->request('POST', '/chat', body => {})->{status}, 422, 'a refusal');
    }
    is($server->chat('{{error accessDeniedException}}')->{json}{error_code}, 'upstream_access_denied', 'an upstream error');
    my $result = Chatbot::Load->run($server->port, -c => 4, -n => 100, -d => 4,
        'POST /chat {"message":"{{delay 5}}Hello"}', 'GET /page.html');
    is_deeply($result->{statuses}, { 200 => 100 }, 'pipelined and mixed') or diag(explain($result));
    is($result->{crossed}, 0, 'each its own');
    return;
}

sub gone_is_noticed {
    my ($server) = @_;
    my $before = $emulator->count('cancelled');
    my $client = $server->client;
    $client->send($client->compose('POST', '/chat', body => { message => '{{hang}}' }));
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 1 });
    my $started = time();
    $client->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled') == $before + 1 }), 'a client that leaves is noticed');
    cmp_ok(time() - $started, '<', 0.5 * $slow, 'soon');
    return;
}

# The second chat never ends: its thread must not keep the first one's answer.
sub answers_do_not_wait {
    my ($server) = @_;
    my $client = $server->client;
    $client->send(join '', map { $client->compose('POST', '/chat', body => { message => $_ }) } 'Hello', '{{hang}}');
    is(($client->answer // {})->{status}, 200, 'an answer leaves before the next chat, pipelined, is done');
    $client->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 0 }), 'which ends with its client');
    return;
}

sub stops_with_chats {
    my ($server) = @_;
    my @clients = map { $server->client } 1 .. 3;
    $_->send($_->compose('POST', '/chat', body => { message => '{{hang}}' })) for @clients;
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 3 });
    my $started = time();
    $server->stop_ok('it stops with chats in flight');
    cmp_ok(time() - $started, '<', 2 * $slow, 'at once');
    unlike($server->error_log, qr/sending a SIG/, 'by itself');
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 0 }), 'and their calls end');
    return;
}

for my $mpm (qw(worker prefork)) {
    subtest "the $mpm MPM" => sub {
        my $server = Chatbot::Server->start(mpm => $mpm, threads => $mpm eq 'worker' ? 10 : 1,
            children => $mpm eq 'worker' ? 1 : 6);
        chats_as_ever($server);
        gone_is_noticed($server);
        answers_do_not_wait($server);
        my $load = Chatbot::Load->start($server->port, -c => 3, 'POST /chat {"message":"{{delay 1000}}Hello"}');
        Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 3 });
        ok($server->graceful, 'graceful');
        is_deeply($load->result->{statuses}, { 200 => 3 }, 'chats in flight are answered');
        stops_with_chats($server);
    };
}

my $tls = sub {
    my ($self) = @_;
    my $dir = $self->{dir};
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
            . "-keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null") == 0 or die "openssl req failed\n";
    chmod(0600, "$dir/key.pem");
    my $protocols = $self->{option}{http2} ? "Protocols h2 h2c http/1.1\n" : '';
    return <<"CONF";
$protocols
Listen 127.0.0.1:$self->{ports}[0] https
SSLSessionCache shmcb:$dir/ssl_cache
<VirtualHost 127.0.0.1:$self->{ports}[0]>
    SSLEngine On
    SSLCertificateFile $dir/cert.pem
    SSLCertificateKeyFile $dir/key.pem
    DocumentRoot $dir/htdocs
</VirtualHost>
CONF
};

# The lines "status connects version" that curl prints for the requests given.
sub curl {
    my ($url, @arguments) = @_;
    open(my $out, '-|', 'curl', '-sk', '--no-progress-meter', '--max-time', 20, '-o', '/dev/null', '-w', '%{http_code} %{num_connects} %{http_version}\n',
        '-H', 'Content-Type: application/json', @arguments, ref $url ? @$url : $url) or die "curl: $!\n";
    chomp(my @lines = <$out>);
    close($out);
    return @lines;
}

my @chat = ('-d', '{"message":"{{delay 50}}Hello"}');

subtest 'TLS' => sub {
    my $server = Chatbot::Server->start(modules => [qw(ssl socache_shmcb)], ports => 1, threads => 3, config => $tls);
    my $url = "https://127.0.0.1:$server->{ports}[0]";
    is_deeply([ curl([ ("$url/chat") x 3 ], '-o', '/dev/null', '-o', '/dev/null', '--http1.1', @chat) ],
        [ '200 1 1.1', '200 0 1.1', '200 0 1.1' ], 'three chats on one connection');
    my $body = '{"message":"{{echo}}{{delay 30}}over TLS"}';
    my $one = sub { return Chatbot::Client->compose('POST', '/chat', body => $body,
        headers => { 'Content-Type' => 'application/json', 'X-Request-ID' => "tls-$_[0]", Connection => $_[1] }) };
    my $file = Chatbot::Client->compose('GET', '/page.html');
    my $requests = $server->dir . '/requests';
    open(my $out, '>', $requests) or die "$requests: $!\n";
    print $out $one->(1, undef), $file, $one->(2, undef), $one->(3, 'close');
    close($out);
    my $text = `openssl s_client -quiet -connect 127.0.0.1:$server->{ports}[0] <$requests 2>/dev/null`;
    is_deeply([ $text =~ /X-Request-ID: (tls-\d)/g ], [qw(tls-1 tls-2 tls-3)], 'pipelined over TLS: all, in their order');
    is(scalar(() = $text =~ /over TLS/g), 3, 'with their answers');
    like($text, qr/a page/, 'and the file');
    my $before = $emulator->count('cancelled');
    my $pid = fork() // die "fork: $!\n";
    if ($pid == 0) {
        exec('curl', '-sk', '-o', '/dev/null', '-H', 'Content-Type: application/json', '-d', '{"message":"{{hang}}"}', "$url/chat");
    }
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 1 });
    kill('KILL', $pid);
    waitpid($pid, 0);
    ok(Chatbot::Httpd::wait_for(3, sub { $emulator->count('cancelled') == $before + 1 }), 'a client that leaves is noticed');
    my @loads = map { my $p = fork() // die; if (!$p) { exec('curl', '-sk', '-o', '/dev/null', '-H',
        'Content-Type: application/json', '-d', '{"message":"{{delay 1200}}"}', "$url/chat") } $p } 1 .. 10;
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 10 });
    is($server->request('GET', '/page.html')->{status}, 200, 'ten waiting chats over TLS hold none of 3 threads');
    is(scalar(grep { waitpid($_, 0) && $? == 0 } @loads), 10, 'and are answered');
    $server->stop_ok;
};

subtest 'HTTP/2' => sub {
    plan skip_all => 'curl has no HTTP/2' if `curl -V` !~ /\bHTTP2\b/;
    my $server = Chatbot::Server->start(modules => [qw(ssl socache_shmcb http2)], ports => 1, http2 => 1, config => $tls);
    my $url = "https://127.0.0.1:$server->{ports}[0]";
    is_deeply([ curl([ ("$url/chat") x 3 ], '-o', '/dev/null', '-o', '/dev/null', '--http2', @chat) ],
        [ '200 1 2', '200 0 2', '200 0 2' ], 'three chats on one connection');
    is_deeply([ curl($server->url('/chat'), '--http2-prior-knowledge', @chat) ], ['200 1 2'], 'without TLS');
    my @parallel = curl([ ("$url/chat") x 8 ], ('-o', '/dev/null') x 7, '--http2', '-Z', '-d', '{"message":"{{delay 300}}Hello"}');
    is(scalar(grep { /^200 \d 2$/ } @parallel), 8, 'eight streams at once');
    is_deeply([ curl("$url/chat", '--http2', '-d', '{}') ], ['422 1 2'], 'a refusal');
    is_deeply([ curl("$url/page.html", '--http2') ], ['200 1 2'], 'a file');
    $server->stop_ok;
};

subtest 'HTTP/2 streams that are reset' => sub {
    my $server = Chatbot::Server->start(modules => ['http2'], config => "Protocols h2c http/1.1\n",
        chatbot => 'ChatbotMaxInFlight 40');
    my ($child) = $server->children;
    for my $round (1 .. 10) {
        my $client = $server->client;
        my @streams = map { 2 * $_ + 1 } 0 .. 29;
        my @messages = ('Hello', '{{delay 1}}Hello', '{{delay 50}}Hello', '{{hang}}');
        $client->send(join '', Chatbot::Http2->preface, map { Chatbot::Http2->chat($_, $messages[ ($_ >> 1) % 4 ]) } @streams);
        Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') >= 1 });
        $client->send(join '', map { Chatbot::Http2->reset($_) } @streams[ 0 .. 19 ]);
        $client->read_some(0.06);
        $client->reset;
    }
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 0 }), '300 streams: none goes on upstream');
    my $all_at_once = sub {
        my @clients = map { $server->client } 1 .. 40;
        $_->send($_->compose('POST', '/chat', body => { message => '{{delay 200}}Hello' })) for @clients;
        return 40 == grep { (($_->answer // {})->{status} // 0) == 200 } @clients;
    };
    ok(Chatbot::Httpd::wait_for(10, $all_at_once), 'all places are free again');
    is_deeply([ $server->children ], [$child], 'it is the same child process');
    $server->stop_ok;
};

subtest 'HTTP/2 by upgrade, on a connection that had a chat' => sub {
    my $server = Chatbot::Server->start(modules => ['http2'], config => "Protocols h2c http/1.1\n");
    for my $chats (0, 1) {
        my $client = $server->client;
        is($client->request('POST', '/chat', body => { message => 'Hello' })->{status}, 200, 'a chat') for 1 .. $chats;
        $client->send($client->compose('GET', '/page.html',
                headers => { Upgrade => 'h2c', Connection => 'Upgrade, HTTP2-Settings', 'HTTP2-Settings' => 'AAQAEAAA' })
                . Chatbot::Http2->preface);
        is_deeply(Chatbot::Http2->upgraded($client), "<p>a page\n", "the file comes as stream 1 after $chats chats");
        $client->close;
    }
    $server->stop_ok;
};

done_testing();
