#!/usr/bin/env perl
# /livez says that httpd is alive, /readyz whether a chat can be held, and what is missing.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;

sub ready { return $_[0]->request('GET', '/readyz') }

# Everything is "ok" but the part named.
sub lacks {
    my ($answer, $part, $pattern) = @_;
    is($answer->{status}, 503, 'status 503');
    is($answer->{json}{status}, 'not_ready', 'not_ready');
    my %checks = %{ $answer->{json}{checks} || {} };
    like(delete $checks{$part} // '', $pattern, "$part: why");
    is(scalar(grep { $_ ne 'ok' } values %checks), 0, 'all other parts are ok') or diag($answer->{body});
    return;
}

subtest 'ready' => sub {
    my $server = Chatbot::Server->start;
    ok(Chatbot::Httpd::wait_for(5, sub { ready($server)->{status} == 200 }), 'status 200');
    my $answer = ready($server);
    is($answer->{json}{status}, 'ready', 'ready');
    is_deeply($answer->{json}{checks}, { map { $_ => 'ok' } qw(agent credentials circuit io_thread drain) }, 'each part is ok');
    is($answer->{headers}{'content-type'}, 'application/json', 'as JSON');
    like($answer->{headers}{'cache-control'} // '', qr/no-store/, 'not to be kept');
    my $head = $server->request('HEAD', '/readyz');
    is($head->{status}, 200, 'HEAD');
    is($head->{body}, '', 'without a body');
    is($server->request('POST', '/readyz', body => {})->{status}, 405, 'POST is refused');
    is($emulator->count('calls'), 0, 'AWS\'s agent is not asked for it');
    $server->stop_ok;
};

subtest 'no agent' => sub {
    my $server = Chatbot::Server->start(agent => 0);
    ok(Chatbot::Httpd::wait_for(5, sub { (ready($server)->{json}{checks}{credentials} // '') eq 'ok' }), 'the credentials are there');
    lacks(ready($server), 'agent', qr/no agent or no region/);
    is($server->request('GET', $_)->{status}, 200, "$_: alive") for '/livez', '/health';
    $server->stop_ok;
};

subtest 'no region' => sub {
    my $server = Chatbot::Server->start(region => 0);
    ok(Chatbot::Httpd::wait_for(5, sub { (ready($server)->{json}{checks}{credentials} // '') eq 'ok' }), 'the credentials are there');
    lacks(ready($server), 'agent', qr/no agent or no region/);
    $server->stop_ok;
};

subtest 'no credentials' => sub {
    $emulator->reset_state;
    $emulator->faults({ operation => 'ContainerCredentials', commands => '{{error AccessDenied 400}}' });
    my $server = Chatbot::Server->start(credentials => 0, env => { $emulator->container_credentials });
    lacks(ready($server), 'credentials', qr/none/);
    is($server->request('GET', $_)->{status}, 200, "$_: alive") for '/livez', '/health';
    $emulator->control('DELETE', 'faults');
    ok(Chatbot::Httpd::wait_for(15, sub { ready($server)->{status} == 200 }), 'ready once there are some');

    # They run out, and are not renewed.
    $emulator->set(container_lifetime => 2);
    $server->graceful;
    ok(Chatbot::Httpd::wait_for(15, sub { $server->chat('Hello')->{status} == 200 }), 'those that live two seconds');
    $emulator->faults({ operation => 'ContainerCredentials', commands => '{{error AccessDenied 400}}' });
    ok(Chatbot::Httpd::wait_for(15, sub { ready($server)->{status} == 503 }), 'not ready when they have expired');
    lacks(ready($server), 'credentials', qr/none/);
    $server->stop_ok;
};

subtest 'an open circuit' => sub {
    $emulator->reset_state;
    my $server = Chatbot::Server->start(children => 2, chatbot => "ChatbotCircuitBreaker errors=1% min=1 window=30s open=700ms\n", config => <<'CONF');
<Location "/off/readyz">
    SetHandler chatbot-health
    ChatbotCircuitBreaker Off
</Location>
<Location "/other/readyz">
    SetHandler chatbot-health
    ChatbotAgent OTHERAGENT
</Location>
CONF
    ok(Chatbot::Httpd::wait_for(5, sub { ready($server)->{status} == 200 }), 'ready at first');
    $server->chat('{{status 500}}');
    my ($first, @more) = map { ready($server) } 1 .. 10;
    lacks($first, 'circuit', qr/open/);
    is(scalar(grep { $_->{status} != 503 } @more), 0, 'every child knows');
    is($server->request('GET', '/livez')->{status}, 200, 'alive');
    is($server->request('GET', '/off/readyz')->{status}, 200, 'ready where the breaker is off');
    is($server->request('GET', '/other/readyz')->{status}, 200, 'and where another agent answers');
    ok(Chatbot::Httpd::wait_for(5, sub { ready($server)->{status} == 200 }), 'ready again when a chat may try');
    is($server->chat('Hello')->{status}, 200, 'which it does');
    $server->stop_ok;
};

subtest 'a child that stops' => sub {
    $emulator->reset_state;
    my $server = Chatbot::Server->start;
    my ($old) = $server->children;
    ok(Chatbot::Httpd::wait_for(5, sub { ready($server)->{status} == 200 }), 'ready at first');
    # A chat keeps the old child, and a request that is half there keeps a connection to it.
    my $chat = $server->client(timeout => 60);
    $chat->send($chat->compose('POST', '/chat', body => { message => '{{delay 3000}} Hello' }));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') == 1 }), 'a chat is in flight');
    my @halves = map { $server->client } 1 .. 2;
    $_->send("GET ") for @halves;
    is(ready($server)->{status}, 200, 'still ready');
    $server->graceful;
    $halves[0]->send("/readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    $halves[1]->send("/livez HTTP/1.1\r\nHost: a\r\n\r\n");
    lacks($halves[0]->answer // {}, 'drain', qr/stopping/);
    is(($halves[1]->answer // {})->{status}, 200, 'alive');
    ok(Chatbot::Httpd::wait_for(5, sub { ready($server)->{status} == 200 }), 'the new child is ready');
    is(($chat->answer // {})->{status}, 200, 'the chat is answered');
    ok(Chatbot::Httpd::wait_for(10, sub { !grep { $_ == $old } $server->children }), 'the old child is gone');
    $server->stop_ok;
};

subtest 'the configuration that is shipped' => sub {
    open(my $file, '<', 'conf/chatbot.conf') or die "conf/chatbot.conf: $!";
    my $shipped = do { local $/ = undef; <$file> };
    $shipped =~ s/#(ChatbotAgent|ChatbotAWSRegion) /$1 /g;
    local $Chatbot::Server::HANDLERS = '';
    my $server = Chatbot::Server->start(modules => ['authz_host'], agent => 0, region => 0, config => $shipped);
    is($server->chat('Hello')->{status}, 200, '/chat');
    is($server->request('GET', $_)->{status}, 200, $_) for qw(/health /livez /readyz);
    is($server->request('GET', '/readyz/')->{json}{status}, 'ready', 'a slash more asks for the same');
    $server->stop_ok;
};

done_testing();
