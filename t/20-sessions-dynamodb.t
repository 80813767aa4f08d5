#!/usr/bin/env perl
# Sessions in a DynamoDB table: the guide's items, several httpds on one table, a table that is down.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Server;
use Chatbot::Sessions;

my $emulator = Chatbot::Emulator->shared;
my $TABLE = 'chat_sessions';
my $WHEN  = qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:\d{3})?(?:Z|\+00:00)$/;

sub start {
    my (%option) = @_;
    $emulator->create_table($TABLE, 'session_id') if !delete $option{same_table};
    $option{chatbot} = "ChatbotRateLimit Off\nChatbotMetrics Off\n" . ($option{chatbot} // '');
    return Chatbot::Server->start(quiet => 0, env => { CHAT_SESSIONS_TABLE => $TABLE }, %option);
}

sub item { my ($id) = @_; return $emulator->item($TABLE, $id) }

subtest 'a conversation' => sub {
    my $server = start(children => 2, threads => 4);
    my $id = $server->chat({ message => '{{echo}}one', user_id => 'ann' })->{json}{session_id};
    my $item = item($id);
    is($item->{user_data}{M}{user_id}{S}, 'ann', 'the guide\'s item: user_data.user_id');
    is($item->{user_data}{M}{last_message}{S}, '{{echo}}one', 'user_data.last_message');
    like($item->{created_at}{S}, $WHEN, 'created_at');
    like($item->{ttl}{N}, qr/^\d+$/, 'ttl');
    my $left = $item->{ttl}{N} - time();
    ok($left > 86400 - 60 && $left <= 86401, 'in 24 hours');
    is($item->{turns}{N}, 1, 'turns');
    is($item->{version}{N}, 1, 'version');
    is(scalar @{ $item->{history}{L} }, 2, 'history');
    ok(saved(say_to($server, $id, "{{echo}}turn $_", user => 'ann')), "turn $_ is saved") for 2 .. 5;
    my $later = item($id);
    is($later->{turns}{N}, 5, 'every turn is counted');
    is($later->{created_at}{S}, $item->{created_at}{S}, 'created_at is kept');
    isnt($later->{updated_at}{S}, $item->{updated_at}{S}, 'updated_at is not');
    my $shown = look_at($server, "$id?user_id=ann");
    is($shown->{status}, 200, 'GET');
    is($shown->{json}{turns}, 5, 'its turns');
    is($shown->{json}{history}[-2]{text}, '{{echo}}turn 5', 'its history');
    is($shown->{json}{user_id}, 'ann', 'its user');
    is(say_to($server, $id, 'Hello', user => 'ben')->{status}, 403, 'another user\'s chat: 403');
    is(look_at($server, "$id?user_id=ben")->{status}, 403, 'his look: 403');
    is(remove($server, "$id?user_id=ben")->{status}, 403, 'his DELETE: 403');
    is(item($id)->{turns}{N}, 5, 'nothing has changed');
    is(remove($server, "$id?user_id=ann")->{status}, 204, 'DELETE');
    is(item($id), undef, 'the item is gone');
    is(look_at($server, $id)->{json}{error_code}, 'session_not_found', 'session_not_found');
    is(remove($server, $id)->{status}, 404, 'DELETE again: 404');
    $server->stop_ok;
};

subtest 'items of before' => sub {
    my $server = start();
    $emulator->put_item($TABLE, { session_id => { S => 'old-1' }, created_at => { S => '2026-01-02T03:04:05.678901' },
        ttl => { N => '' . int(time() + 3600) }, user_data => { M => { user_id => { S => 'ann' }, last_message => { S => 'Hi' } } } });
    ok(saved(say_to($server, 'old-1', 'Hello', user => 'ann')), 'a session of the guide\'s service goes on');
    my $item = item('old-1');
    is($item->{created_at}{S}, '2026-01-02T03:04:05.678901', 'created_at as it was');
    is($item->{user_data}{M}{last_message}{S}, 'Hello', 'the last message');
    is(say_to($server, 'old-1', 'Hello', user => 'ben')->{status}, 403, 'it has its owner');
    $emulator->put_item($TABLE, { session_id => { S => 'old-2' }, created_at => { S => '2026-01-02T03:04:05' },
        ttl => { N => '' . int(time() - 10) }, user_data => { M => { user_id => { S => 'ann' } } } });
    is(look_at($server, 'old-2')->{status}, 404, 'one that has expired is absent');
    ok(saved(say_to($server, 'old-2', 'Hello', user => 'ben')), 'another user may begin anew');
    isnt(item('old-2')->{created_at}{S}, '2026-01-02T03:04:05', 'at another time');
    is(look_at($server, 'old-2?user_id=ben')->{json}{turns}, 1, 'with one turn');
    $server->stop_ok;
};

subtest 'two httpds on one table' => sub {
    my $one = start();
    my $two = start(same_table => 1);
    my $id = $one->chat('{{echo}}one')->{json}{session_id};
    ok(saved(say_to($two, $id, '{{echo}}two')), 'the second goes on');
    is(look_at($one, $id)->{json}{turns}, 2, 'and the first sees it');
    my $slow = $one->client;
    my $before = $emulator->count('calls');
    $slow->send($slow->compose('POST', '/chat', body => { message => '{{delay 1500}}Hello', session_id => $id }));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls') > $before }), 'a turn is in flight');
    my $busy = say_to($two, $id, 'Hello');
    is($busy->{status}, 409, 'another gets 409 elsewhere, too');
    is($busy->{json}{error_code}, 'session_busy', 'session_busy');
    my $calls = $emulator->count('calls');
    is(remove($two, $id)->{status}, 409, 'so does DELETE');
    is($emulator->count('calls'), $calls, 'before the agent hears of it, and forgets');
    is(look_at($two, $id)->{status}, 200, 'GET does not');
    is($slow->answer->{status}, 200, 'the first is answered');
    is(look_at($two, $id)->{json}{turns}, 3, 'and saved');
    ok(saved(say_to($two, $id, 'Hello')), 'the next turn is taken');

    my @answers = map { my $server = $_ % 2 ? $one : $two; say_to($server, $id, "{{echo}}turn $_") } 1 .. 10;
    is(scalar(grep { $_->{status} == 200 && saved($_) } @answers), 10, 'ten more, by turns');
    is(look_at($one, $id)->{json}{turns}, 14, 'none is lost');
    $_->stop_ok for $one, $two;
};

# One of these must be true of every operation on the table until the rules are taken away.
sub faults {
    my ($commands) = @_;
    return $emulator->faults(map { { operation => $_, commands => $commands } } qw(GetItem PutItem UpdateItem DeleteItem));
}

subtest 'a table that fails' => sub {
    for my $case ([ 'throttled', '{{error ProvisionedThroughputExceeded}}' ], [ 'failing', '{{error InternalServerError 500}}' ],
        [ 'gone', '{{error ResourceNotFound}}' ], [ 'closed', '{{error AccessDenied}}' ], [ 'reset', '{{reset}}' ],
        [ 'nonsense', '{{garbage}}' ], [ 'hanging', '{{hang}}' ]) {
        my ($name, $commands) = @$case;
        my $server = start();
        my $id = $server->chat('Hello')->{json}{session_id};
        faults($commands);
        my $begun  = time();
        my $answer = say_to($server, $id, '{{echo}}on');
        my $took   = time() - $begun;
        is($answer->{status}, 200, "$name: the chat is answered");
        is($answer->{json}{response}, 'on', 'by the agent');
        is($answer->{headers}{'x-chatbot-session'}, 'unsaved', 'its session is unsaved');
        cmp_ok($took, '<', 8, sprintf 'in time (%.1f s)', $took);
        my $look = look_at($server, $id);
        is($look->{status}, 502, "GET: 502");
        is($look->{json}{error_code}, 'dependency_failed', 'dependency_failed');
        is(remove($server, $id)->{status}, 502, 'DELETE: 502');
        $emulator->faults;
        ok(chat_until($server, $id, \&saved), 'and then it is back');
        $server->stop_ok;
    }
};

subtest 'a client that leaves' => sub {
    my $server = start();
    my $id = $server->chat('Hello')->{json}{session_id};
    my $leaver = $server->client;
    my $before = $emulator->count('calls');
    $leaver->send($leaver->compose('POST', '/chat', body => { message => '{{hang}}', session_id => $id }));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls') > $before }), 'a turn is in flight');
    $leaver->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { say_to($server, $id, 'Hello')->{status} == 200 }), 'its session is free again');
    faults('{{hang}}');
    my $looker = $server->client;
    my $looks  = $emulator->count('calls', 'GetItem');
    $looker->send($looker->compose('GET', "/sessions/$id"));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls', 'GetItem') > $looks }), 'a look is in flight');
    $looker->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled', 'GetItem') }), 'it is cancelled');
    $emulator->faults;
    $server->stop_ok;
};

subtest 'other MPMs' => sub {
    for my $mpm (qw(worker prefork)) {
        my $server = start(mpm => $mpm, children => 2, threads => 2);
        my $id = $server->chat('Hello')->{json}{session_id};
        ok(saved(say_to($server, $id, 'Hello')), "$mpm: a turn is saved");
        is(look_at($server, $id)->{json}{turns}, 2, 'both are');
        is(remove($server, $id)->{status}, 204, 'and deleted');
        $server->stop_ok;
    }
};

# The first python3 that has boto3.
sub python {
    for my $python (qw(python3 /usr/bin/python3)) {
        return $python if system("$python -c 'import boto3' >/dev/null 2>&1") == 0;
    }
    return undef;
}

SKIP: {
    my $python = python() // skip 'boto3 is not installed', 1;
    subtest 'as boto3 sees it' => sub {
        my $server = start();
        my $id = $server->chat({ message => "Gr\x{fc}\x{df}e", user_id => 'ann' })->{json}{session_id};
        my $script = 'import boto3, json, sys; t = boto3.resource("dynamodb", endpoint_url=sys.argv[1], region_name="us-east-1")'
            . '.Table(sys.argv[2]); i = t.get_item(Key={"session_id": sys.argv[3]})["Item"]; '
            . 'print(json.dumps([i["user_data"], int(i["turns"]), i["history"][0], sorted(i)]))';
        my %credentials = Chatbot::Emulator->credentials;
        local @ENV{ keys %credentials } = values %credentials;
        open(my $output, '-|', $python, '-c', $script, $emulator->aws_url, $TABLE, $id) or die "$python: $!";
        my $json = JSON::PP->new->decode(do { local $/ = undef; <$output> });
        close($output);
        is_deeply($json->[0], { user_id => 'ann', last_message => "Gr\x{fc}\x{df}e" }, 'user_data');
        is($json->[1], 1, 'turns');
        is_deeply($json->[2], { role => 'user', text => "Gr\x{fc}\x{df}e" }, 'history');
        is_deeply($json->[3], [qw(created_at history session_id ttl turns updated_at user_data version)], 'and nothing else');
        $server->stop_ok;
    };
}

done_testing();
