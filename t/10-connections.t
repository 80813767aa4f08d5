#!/usr/bin/env perl
# Connections that hold a suspended request: keep-alive, pipelining, clients that are slow, half-closed
# or gone. The server has few threads, so that one held anywhere shows.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;
use Chatbot::Load;

my $server = Chatbot::Server->start(threads => 3);
my $emulator = $server->emulator;
my $slow = $ENV{SANITIZER} ? 10 : 1;

# A request whose answer tells its number: in the header and in the text.
sub numbered {
    my ($n, $commands, %headers) = @_;
    return Chatbot::Client->compose('POST', '/chat', body => { message => "{{echo}}$commands number-$n." },
        headers => { 'X-Request-ID' => "n-$n", %headers });
}

sub is_number {
    my ($answer, $n) = @_;
    return ok($answer && $answer->{status} == 200 && $answer->{headers}{'x-request-id'} eq "n-$n"
            && ($answer->{json}{response} // '') =~ /number-$n\./, "answer $n is in its place");
}

sub in_flight_is {
    my ($count) = @_;
    return ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == $count }), "$count upstream");
}

subtest 'keep-alive' => sub {
    my $client = $server->client;
    my $wrong = 0;
    for my $n (1 .. 200) {
        $client->send(numbered($n, ''));
        my $answer = $client->answer;
        $wrong++ if !$answer || $answer->{headers}{'x-request-id'} ne "n-$n";
    }
    is($wrong, 0, '200 chats on one connection');
    for my $round (1 .. 3) {
        is($client->request('GET', '/page.html')->{body}, "<p>a page\n", 'a file between');
        is($client->request('GET', '/health')->{status}, 200, 'the health page between');
        is($client->request('GET', '/none')->{status}, 404, 'an error between');
        is($client->request('POST', '/chat', body => {})->{status}, 422, 'a refusal between');
        $client->send(numbered($round, '{{delay 20}}'));
        is_number($client->answer, $round);
        is(length $client->request('GET', '/large.txt')->{body}, 1 << 20, 'a megabyte between');
    }
};

subtest 'pipelining, all in one packet' => sub {
    my $client = $server->client;
    my $file = $client->compose('GET', '/page.html');
    $client->send(join '', map { (numbered($_, ''), $file) } 1 .. 10);
    for my $n (1 .. 10) {
        is_number($client->answer, $n);
        is($client->answer->{body}, "<p>a page\n", 'and the file behind it');
    }
    $client->send(join('', map { numbered($_, $_ % 2 ? '{{delay 100}}' : '') } 1 .. 6) . $file);
    is_number($client->answer, $_) for 1 .. 6;
    is($client->answer->{body}, "<p>a page\n", 'a slow one does not let a quick one pass');
};

subtest 'pipelining, piece by piece while one waits' => sub {
    my $client = $server->client;
    $client->send(numbered(1, '{{delay 300}}'));
    in_flight_is(1);
    my $next = numbered(2, '');
    $client->send(substr($next, 0, 30));
    $client->send(substr($next, 30));
    is_number($client->answer, $_) for 1 .. 2;
    $client->send(numbered(3, '{{delay 300}}') . substr($next, 0, 40));
    is_number($client->answer, 3);
    $client->send(substr($next, 40));
    is_number($client->answer, 2);
    is($emulator->count('cancelled'), 0, 'bytes of the next request are no hang-up');
};

subtest 'half a request behind a chat holds nobody up' => sub {
    my $client = $server->client;
    my $next = numbered(2, '');
    $client->send(numbered(1, '{{delay 100}}') . substr($next, 0, 40));
    is_number($client->answer, 1);
    my $wrong = grep { $server->chat('Hello', timeout => 15)->{status} != 200 } 1 .. 5;
    is($wrong, 0, 'other chats are answered while the rest of it is awaited');
    $client->send(substr($next, 40));
    is_number($client->answer, 2);
};

subtest 'Connection: close and HTTP/1.0' => sub {
    my $client = $server->client;
    $client->send(numbered(1, '', Connection => 'close'));
    my $answer = $client->answer;
    is_number($answer, 1);
    is(lc($answer->{headers}{connection} // ''), 'close', 'says so');
    ok($client->closed_within(2), 'and closes');
    $client = $server->client;
    (my $old = numbered(2, '{{delay 50}}')) =~ s{HTTP/1\.1}{HTTP/1.0};
    $client->send($old);
    is_number($client->answer, 2);
    ok($client->closed_within(2), 'HTTP/1.0 is closed without being asked');
};

subtest 'closed connections make room at once' => sub {
    # httpd takes no more than a dozen connections at a time here.
    my $narrow = Chatbot::Server->start(threads => 3, factor => 2);
    my $started = time();
    my $result = Chatbot::Load->run($narrow->port, '-x', -c => 24, -n => 300, 'POST /chat {"message":"Hello"}');
    is_deeply($result->{statuses}, { 200 => 300 }, '300 chats, a connection each') or diag(explain($result));
    cmp_ok(time() - $started, '<', 8 * $slow, 'none rests long after its answer');
    $narrow->stop_ok;
};

subtest 'an idle connection is closed after KeepAliveTimeout' => sub {
    my $short = Chatbot::Server->start(config => "KeepAliveTimeout 1\n");
    my $client = $short->client;
    is($client->request('POST', '/chat', body => { message => 'Hello' })->{status}, 200, 'a chat');
    my $started = time();
    ok($client->closed_within(5 * $slow), 'closed');
    cmp_ok(time() - $started, '>', 0.8, 'not before');
    $client = $short->client;
    $client->request('POST', '/chat', body => { message => 'Hello' });
    is($client->request('GET', '/page.html')->{status}, 200, 'a file behind a chat');
    ok($client->closed_within(5 * $slow), 'closed too');
    $short->stop_ok;
};

subtest 'MaxKeepAliveRequests counts chats too' => sub {
    my $three = Chatbot::Server->start(config => "MaxKeepAliveRequests 3\n");
    my $until_closed = sub {
        my ($client, @request) = ($three->client, @_);
        my $count = 0;
        while (++$count < 10) {
            my $answer = $client->request(@request);
            return 'unannounced' if !$answer->{status};
            last if lc($answer->{headers}{connection} // '') eq 'close';
        }
        ok($client->closed_within(2), 'the connection is closed');
        return $count;
    };
    my $files = $until_closed->('GET', '/page.html');
    cmp_ok($files, '<', 6, 'after a few files');
    is($until_closed->('POST', '/chat', body => { message => 'Hello' }), $files, 'after as many chats');
    $three->stop_ok;
};

subtest 'waiting chats hold no thread' => sub {
    my @clients = map { $server->client } 1 .. 40;
    $clients[$_]->send(numbered($_, '{{delay 1000}}')) for 0 .. $#clients;
    in_flight_is(40);
    my $started = time();
    is($server->request('GET', '/page.html')->{status}, 200, 'a file is served beside 40 waiting chats on 3 threads');
    cmp_ok(time() - $started, '<', 0.5 * $slow, 'at once');
    is(scalar(grep { my $a = $clients[$_]->answer; $a && $a->{headers}{'x-request-id'} eq "n-$_" } 0 .. $#clients),
        40, 'each gets its answer');
};

subtest 'half-closed' => sub {
    my $client = $server->client;
    $client->send(numbered(1, '{{delay 200}}'));
    $client->half_close;
    is_number($client->answer, 1);
    ok($client->closed_within(3), 'then it is closed');
};

subtest 'slow readers hold no thread' => sub {
    # Small buffers on both sides: most of an answer stays in the server until it is read.
    my $small = Chatbot::Server->start(threads => 3, config => "SendBufferSize 16384\n");
    my @clients = map { $small->client(receive_buffer => 4096, timeout => 30) } 1 .. 6;
    $_->send(numbered(1, '{{words 100000}}')) for @clients;
    ok(Chatbot::Httpd::wait_for(20, sub { $emulator->count('in_progress') == 0 }), 'all are answered upstream');
    my $started = time();
    is($small->request('GET', '/page.html')->{status}, 200, 'six unread answers on 3 threads: a file is served');
    is($small->chat('Hello')->{status}, 200, 'and a chat is answered');
    cmp_ok(time() - $started, '<', 2 * $slow, 'soon');
    my @lengths = map { my $answer = $_->answer; length(($answer && $answer->{json}{response}) // '') } @clients;
    cmp_ok($lengths[0], '>', 300_000, 'a long answer');
    is_deeply(\@lengths, [ ($lengths[0]) x 6 ], 'each read whole in the end');
    $small->stop_ok;
};

subtest 'readers that stop reading' => sub {
    my $small = Chatbot::Server->start(config => "Timeout 1\nKeepAliveTimeout 1\nSendBufferSize 16384\n");
    # How much the sockets hold is the system's business: some answers fit, of some the last piece does
    # not, and of the longest the module has kept most.
    my @clients = map { my $client = $small->client(receive_buffer => 4096); $client->send(numbered(1, "{{bytes $_}}")); $client }
        (map { 12_000 * $_ } 1 .. 16), 2_000_000, 4_000_000;
    ok(Chatbot::Httpd::wait_for(10, sub { (() = $small->access_log =~ m{POST /chat}g) == @clients }), 'each request ends');
    my $closed = 0;
    for my $client (@clients) {
        my $bytes;
        1 while defined($bytes = $client->read_some(5)) && $bytes ne '';
        $closed += defined $bytes;
    }
    is($closed, scalar @clients, 'and each connection');
    is($small->chat('Hello')->{status}, 200, 'others are answered');
    $small->stop_ok;
};

subtest 'writers that stop writing' => sub {
    my $strict = Chatbot::Server->start(config => 'Timeout 1');
    my $client = $strict->client;
    $client->send(substr(numbered(1, ''), 0, -5));
    my $answer = $client->answer;
    is($answer->{status}, 408, 'half a request: httpd\'s own 408');
    is($strict->notes('n-1')->{outcome}, 'bad_request', 'its outcome');
    $strict->stop_ok;
};

# Seconds from leaving until the call upstream is cancelled.
sub leave {
    my ($how, $bytes) = @_;
    my $before = $emulator->count('cancelled');
    my $client = $server->client;
    $client->send($bytes);
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 1 });
    my $started = time();
    $how eq 'reset' ? $client->reset : $client->close;
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled') == $before + 1 }) or return 99;
    return time() - $started;
}

for my $how (qw(close reset)) {
    for my $commands ('{{delay 20000}}', '{{hang}}', '{{words 2000}}{{hang-after 300}}') {
        my @took = sort { $a <=> $b } map { leave($how, numbered(1, $commands)) } 1 .. 5;
        cmp_ok($took[2], '<', 0.1 * $slow, "client gone ($how) during $commands: cancelled upstream within 100 ms")
            or diag("took @took");
    }
}
like($server->error_log, qr/CHAT0303/, 'and logged');
like($server->access_log, qr/client_gone$/m, 'with the outcome client_gone in the access log');

subtest 'nothing is left behind' => sub {
    my ($child) = $server->children;
    # Connections to AWS are kept for the next calls: those are no leak.
    my $open = sub {
        return scalar(() = glob("/proc/$child/fd/*")) - $emulator->state->{connections}{open};
    };
    my $use = sub {
        my @clients = map { $server->client } 1 .. 20;
        $clients[$_]->send(numbered($_, '')) for 0 .. 19;
        $clients[$_]->answer for 0 .. 9;
        $_->close for @clients;
        Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 0 });
    };
    $use->();
    my $before = $open->();
    $use->() for 1 .. 10;
    ok(Chatbot::Httpd::wait_for(10, sub { $open->() <= $before + 2 }), 'no descriptor is leaked')
        or diag("$before before, " . $open->() . ' after');
    is_deeply([ $server->children ], [$child], 'it is the same child process');
};

$server->stop_ok;
done_testing();
