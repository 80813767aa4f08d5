#!/usr/bin/env perl
# The stand-in's tables and metrics by its own paths: the directive, a graceful restart, a reset.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Emulator;

sub names { my ($emulator) = @_; return [ map { $_->{table} } @{ $emulator->control('GET', 'tables')->{tables} } ] }

sub refused {
    my ($method, $path, $body) = @_;
    my $emulator = Chatbot::Emulator->shared;
    return !eval { $emulator->control($method, $path, $body); 1 } ? $@ : '';
}

subtest 'EmulatorTable' => sub {
    my $emulator = Chatbot::Emulator->start(config => "EmulatorTable sessions session_id\nEmulatorTable limits client\n");
    is_deeply(names($emulator), [ 'limits', 'sessions' ], 'the tables are there');
    is($emulator->control('GET', 'tables/sessions')->{key}, 'session_id', 'with their keys');
    $emulator->put_item('sessions', { session_id => { S => 's-1' }, n => { N => '1.50' } });
    ok($emulator->graceful, 'a graceful restart');
    is_deeply($emulator->item('sessions', 's-1'), { session_id => { S => 's-1' }, n => { N => '1.5' } }, 'keeps the items');
    $emulator->reset_state;
    is_deeply([ $emulator->items('sessions') ], [], 'a reset takes them');
    is_deeply(names($emulator), [ 'limits', 'sessions' ], 'not the tables');
    $emulator->stop_ok;
};

subtest 'configtest' => sub {
    for my $case (
        [ 'a short name', 'EmulatorTable ab id', qr/3 to 255 letters/ ],
        [ 'a bad name',   'EmulatorTable a/b/c id', qr/3 to 255 letters/ ],
        [ 'no key',       'EmulatorTable sessions', qr/takes two arguments/ ],
        [ 'a long key',   'EmulatorTable sessions ' . 'x' x 256, qr/at most 255 characters/ ],
        [ 'a table twice', "EmulatorTable sessions id\nEmulatorTable sessions other", qr/of that name already/ ],
        [ 'a virtual host', "<VirtualHost *>\nEmulatorTable sessions id\n</VirtualHost>", qr/cannot occur within/ ],
        )
    {
        my ($name, $line, $why) = @$case;
        my ($status, $text) = Chatbot::Emulator->configtest(config => $line);
        isnt($status, 0, "$name is refused");
        like($text, $why, 'and it says why');
    }
};

subtest 'tables are made, filled and dropped' => sub {
    my $emulator = Chatbot::Emulator->shared;
    $emulator->create_table('made', 'id', sort => 'at', ttl => 'exp',
        items => [ { id => { S => 'a' }, at => { S => '1' } }, { id => { S => 'a' }, at => { S => '2' } } ]);
    my $made = $emulator->control('GET', 'tables/made');
    is_deeply([ map { $_->{at}{S} } @{ $made->{items} } ], [ 1, 2 ], 'with a sort key, in its order');
    is($made->{ttl}, 'exp', 'and time to live');
    $emulator->create_table('made', 'id');
    is_deeply([ $emulator->items('made') ], [], 'made anew, it is empty');
    like(refused('POST', 'tables/made', { other => { S => 'a' } }), qr/400.*table's key/, 'an item without the key');
    like(refused('POST', 'tables/made', { id => { X => 'a' } }), qr/400.*datatypes/, 'one that is none');
    like(refused('POST', 'tables/none', { id => { S => 'a' } }), qr/400.*no such table/, 'no table');
    like(refused('GET', 'tables/none'), qr/404/, 'cannot be looked at');
    like(refused('PUT', 'tables/made', {}), qr/400.*the member key/, 'a table needs a key');
    $emulator->control('DELETE', 'tables/made');
    is_deeply(names($emulator), [], 'dropped');
    like(refused('DELETE', 'tables/made'), qr/404/, 'once');
    is($emulator->metric('nothing'), undef, 'no metric came');
    is_deeply($emulator->metrics->{calls}, { query => 0, json => 0, cbor => 0 }, 'in no protocol');
    $emulator->stop_ok;
};

done_testing();
