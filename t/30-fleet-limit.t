#!/usr/bin/env perl
# ChatbotRateLimitShared: one count over two servers, in a table; what happens when the table is away.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;
use Chatbot::Load;

my $emulator = Chatbot::Emulator->shared;
my $table = 'limits';

sub start {
    my ($rate, %option) = @_;
    $emulator->create_table($table, 'session_id', ttl => 'ttl') if !$option{same_table};
    return Chatbot::Server->start(emulator => $emulator, children => $option{children} // 2, threads => 4,
        chatbot => "ChatbotRateLimit $rate\nChatbotRateLimitShared dynamodb:$table\n" . ($option{more} // ''));
}

sub rate_of {
    my ($answer) = @_;
    return ($answer->{headers}{ratelimit} // '') =~ /^"default";r=(\d+);t=(\d+)$/;
}

subtest 'two servers, one count' => sub {
    my @servers = (start('100 1h'), start('100 1h', same_table => 1));
    my @loads = map { Chatbot::Load->start($_->port, '-x', -c => 13, -n => 65, 'POST /chat {"message":"{{delay 20}} Hello"}') } @servers;
    my @results = map { $_->result } @loads;
    my %statuses;
    for my $result (@results) {
        $statuses{$_} += $result->{statuses}{$_} for keys %{ $result->{statuses} };
    }
    is_deeply(\%statuses, { 200 => 100, 429 => 30 }, 'exactly 100 of 130 over both') or diag(explain(\@results));
    my @items = $emulator->items($table);
    is(scalar(@items), 1, 'one client is one item');
    like($items[0]{session_id}{S}, qr/^ratelimit#[0-9a-f]{32}$/, 'which no session can have');
    my $sum = 0;
    $sum += $1 while $items[0]{requests}{S} =~ /:(\d+)/g;
    is($sum, 100, 'it has all 100');
    cmp_ok($items[0]{ttl}{N}, '>', time() + 3600 - 30, 'and a ttl behind its window');
    my $calls = $emulator->count('calls', 'PutItem');
    my $answer = $servers[0]->chat('Hello');
    is($answer->{status}, 429, 'another one is refused');
    my ($remaining, $time) = rate_of($answer);
    is($remaining, 0, 'nothing remains');
    is($answer->{headers}{'retry-after'}, $time, 'Retry-After agrees');
    is($emulator->count('calls', 'PutItem'), $calls, 'without a call: it was known');
    unlike($_->error_log, qr/CHAT0611/, 'the table was never away') for @servers;
    $_->stop_ok for @servers;
};

subtest 'headers, and what a chat costs' => sub {
    my $server = start('5 1h');
    my $before = $emulator->count('calls', 'PutItem');
    my @answers = map { $server->chat('Hello') } 1 .. 3;
    is_deeply([ map { $_->{status} } @answers ], [ 200, 200, 200 ], 'three chats');
    is_deeply([ map { (rate_of($_))[0] } @answers ], [ 4, 3, 2 ], 'what remains is counted down');
    is((rate_of($answers[0]))[1], 3600, 'for an hour');
    is($emulator->count('calls', 'PutItem') - $before, 3, 'one write each');
    is((rate_of($server->request('POST', '/chat', body => {})))[0], 2, 'an invalid one is told, too, and not counted');
    is($emulator->count('calls', 'PutItem') - $before, 3, 'without a call');
    my $stream = $server->request('POST', '/chat', body => { message => 'Hello', stream => JSON::PP::true });
    like($stream->{headers}{'content-type'}, qr{^text/event-stream}, 'a stream');
    is((rate_of($stream))[0], 1, 'has them as well');
    $server->stop_ok;
};

subtest 'a window passes' => sub {
    my $server = start('2 2s');
    is_deeply([ map { $server->chat('Hello')->{status} } 1 .. 2 ], [ 200, 200 ], 'two chats in two seconds');
    my $answer = $server->chat('Hello');
    is($answer->{status}, 429, 'a third is refused');
    my $until = time() + $answer->{headers}{'retry-after'};
    Chatbot::Httpd::wait_for(5, sub { time() >= $until });
    is($server->chat('Hello')->{status}, 200, 'and answered when the time is over');
    $server->stop_ok;
};

subtest 'dates of whole seconds' => sub {
    my $server = start('10 1h', children => 1);
    $emulator->faults({ operation => 'PutItem', commands => '{{date-offset 1}}' });
    for my $half (1 .. 3) { # of a second: one of these dates is rounded up
        my $until = time() + 0.5;
        is($server->chat('Hello')->{status}, 200, 'a chat');
        Chatbot::Httpd::wait_for(5, sub { time() >= $until });
    }
    $server->chat('Hello');
    my ($item) = $emulator->items($table);
    my ($last) = $item->{requests}{S} =~ /(\d+):\d+$/;
    cmp_ok($last / 1e6, '<=', time(), 'do not make the clock of the counts jump');
    $emulator->faults();
    $server->stop_ok;
};

subtest 'the table is away, and comes back' => sub {
    my $server = start('4 1h');
    is($server->chat('Hello')->{status}, 200, 'a chat with the table');
    $emulator->faults({ operation => 'PutItem', commands => '{{error InternalServerError 500}}' });
    my @statuses = map { $server->chat('Hello')->{status} } 1 .. 5;
    is_deeply([ @statuses[0 .. 2] ], [ 200, 200, 200 ], 'without it this machine goes on from what it knows');
    is_deeply([ @statuses[3 .. 4] ], [ 429, 429 ], 'and limits by itself');
    is(() = $server->error_log =~ /CHAT0611:.*each machine/g, 1, 'one warning');
    $emulator->faults();
    ok($server->graceful, 'a restart changes nothing');
    is($server->chat('Hello')->{status}, 429, 'in that');
    $server->stop_ok;
};

subtest 'it is asked again' => sub {
    my $server = start('1000 1h');
    $emulator->faults({ operation => 'PutItem', commands => '{{error ProvisionedThroughputExceeded 400}}' });
    is($server->chat('Hello')->{status}, 200, 'throttled: the chat goes on');
    like($server->error_log, qr/CHAT0611:.*ProvisionedThroughputExceeded/, 'with AWS\'s reason in the log');
    $emulator->faults();
    ok(Chatbot::Httpd::wait_for(20, sub { $server->chat('Hello'); return $server->error_log =~ /CHAT0612/ }), 'after a while it is asked, and back');
    is(() = $server->error_log =~ /CHAT0611/g, 1, 'one warning');
    my ($item) = $emulator->items($table);
    my $sum = 0;
    $sum += $1 while $item->{requests}{S} =~ /:(\d+)/g;
    is($sum, 1000 - (rate_of($server->chat('Hello')))[0] - 1, 'what was counted here meanwhile is in the table');
    $server->stop_ok;
};

subtest 'a table that hangs' => sub {
    my $server = start('1000 1h');
    $emulator->faults({ operation => 'PutItem', commands => '{{hang}}' });
    my $result = Chatbot::Load->run($server->port, -c => 4, -n => 40, 'POST /chat {"message":"Hello"}');
    is_deeply($result->{statuses}, { 200 => 40 }, 'no chat fails');
    cmp_ok($result->{latency_ms}{p50}, '<', 400, 'and only the first ones wait');
    like($server->error_log, qr/CHAT0611/, 'the log says why');
    $emulator->faults();
    $server->stop_ok;
};

subtest 'a write whose answer is lost' => sub {
    my $server = start('5 1h');
    $emulator->faults({ operation => 'PutItem', commands => '{{act}}{{error InternalServerError 500}}', times => 1 });
    my $before = $emulator->count('calls', 'PutItem');
    is((rate_of($server->chat('Hello')))[0], 4, 'is counted once');
    is($emulator->count('calls', 'PutItem') - $before, 2, 'though it was sent twice');
    is((rate_of($server->chat('Hello')))[0], 3, 'and the next one goes on from there');
    unlike($server->error_log, qr/CHAT0611/, 'all the while the table is there');
    $server->stop_ok;
};

subtest 'a client that leaves while the table is asked' => sub {
    my $server = start('5 1h');
    $emulator->faults({ operation => 'PutItem', commands => '{{hang}}' });
    my $client = $server->client;
    $client->send($client->compose('POST', '/chat', body => { message => 'Hello' }));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress', 'PutItem') == 1 }), 'the table is being asked');
    my $cancelled = $emulator->count('cancelled', 'PutItem');
    $client->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled', 'PutItem') > $cancelled }), 'and then no more');
    $emulator->faults();
    $server->stop_ok;
};

subtest 'items of others' => sub {
    my $server = start('1000 1h');
    is($server->chat('Hello')->{status}, 200, 'one chat');
    my ($item) = $emulator->items($table);
    $emulator->put_item($table, { session_id => $item->{session_id}, what => { S => 'ever' } });
    is($server->chat('Hello')->{status}, 200, 'the item is none of ours: the chat goes on');
    like($server->error_log, qr/CHAT0611:.*delete it/, 'the log says what to do');
    $emulator->create_table($table, 'session_id');
    Chatbot::Httpd::wait_for(20, sub { $server->chat('Hello'); return $server->error_log =~ /CHAT0612/ });
    like($server->error_log, qr/CHAT0612/, 'a table that was emptied is filled again');
    $server->stop_ok;
};

subtest 'Off, and virtual hosts' => sub {
    $emulator->create_table($table, 'session_id');
    my $server = Chatbot::Server->start(emulator => $emulator, ports => 1, chatbot => "ChatbotRateLimit 5 1h\nChatbotRateLimitShared dynamodb:$table",
        config => sub { <<"CONF" });
Listen 127.0.0.1:$_[0]{ports}[0]
<VirtualHost 127.0.0.1:$_[0]{ports}[0]>
    ServerName other.example
    ChatbotRateLimitShared Off
</VirtualHost>
CONF
    my $before = $emulator->count('calls', 'PutItem');
    my $answer = Chatbot::Client->new(port => $server->{ports}[0])->request('POST', '/chat', body => { message => 'Hello' });
    is((rate_of($answer))[0], 4, 'a virtual host that counts for itself');
    is($emulator->count('calls', 'PutItem'), $before, 'asks nobody');
    is((rate_of($server->chat('Hello')))[0], 4, 'the main server');
    is($emulator->count('calls', 'PutItem'), $before + 1, 'does');
    $server->stop_ok;
};

subtest 'configtest' => sub {
    for my $value ('dynamodb', 'dynamodb:', 'dynamodb:a', 'redis:limits', '"dynamodb:a table"') {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => "ChatbotRateLimitShared $value");
        isnt($status, 0, "$value: refused");
        like($text, qr/ChatbotRateLimitShared: .*write Off, or dynamodb:/, "$value: the reason, and what to write instead");
    }
    for my $value ('Off', 'dynamodb:chat_sessions', 'dynamodb:arn:aws:dynamodb:us-east-1:123456789012:table/chat_sessions') {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => "ChatbotRateLimitShared $value");
        is($status, 0, "taken: $value") or diag($text);
    }
};

done_testing();
