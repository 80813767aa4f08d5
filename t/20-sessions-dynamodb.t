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

# One HTTP exchange that is in flight: begun when `operation` has come to the stand-in.
sub begin {
    my ($server, $operation, @request) = @_;
    my $client = $server->client;
    my $before = $emulator->count('calls', $operation);
    $client->send($client->compose(@request));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls', $operation) > $before }), "$operation is in flight");
    return $client;
}

sub agent { my ($commands) = @_; return $emulator->faults({ operation => 'InvokeAgent', commands => $commands }) }

subtest 'the end of a session' => sub {
    my $server = start(chatbot => "ChatbotTimeout total=2\nChatbotCircuitBreaker Off\nChatbotRetry attempts=1");
    my $id = $server->chat('My name is Ada')->{json}{session_id};
    agent('{{error throttling}}');
    my $answer = remove($server, $id);
    is($answer->{json}{error_code}, 'upstream_throttled', 'an agent that is throttled');
    ok($answer->{headers}{'retry-after'}, 'is to be asked later');
    agent('{{hang}}');
    my $begun = time();
    is(remove($server, $id)->{json}{error_code}, 'upstream_timeout', 'one that hangs');
    cmp_ok(time() - $begun, '<', 4, 'is not waited for too long');
    my $leaver = begin($server, 'InvokeAgent', 'DELETE', "/sessions/$id");
    $leaver->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('cancelled') }), 'a client that leaves meanwhile ends the call');
    $emulator->faults;
    like(say_to($server, $id, 'What is my name?')->{json}{response}, qr/Ada/, 'nothing has ended so far');

    agent('{{delay 500}}');
    my $late = begin($server, 'InvokeAgent', 'DELETE', "/sessions/$id");
    $emulator->put_item($TABLE, { %{ item($id) }, busy_until => { N => '9999999999999' }, busy_by => { S => 'another' } });
    is($late->answer('DELETE')->{json}{error_code}, 'session_busy', 'a turn that begins meanwhile elsewhere: session_busy');
    $emulator->put_item($TABLE, { %{ item($id) }, busy_until => { N => '1' } });
    my $slow = begin($server, 'InvokeAgent', 'DELETE', "/sessions/$id");
    $emulator->create_table($TABLE, 'session_id');
    is($slow->answer('DELETE')->{status}, 204, 'an item that is deleted meanwhile is gone all the same');
    $emulator->faults;
    $server->stop_ok;

    my $model = start(agent => 0, chatbot => "ChatbotBackend converse\nChatbotModel demo");
    $id = $model->chat('Hello')->{json}{session_id};
    is(remove($model, $id)->{status}, 204, 'a model has nothing to end');
    is(look_at($model, $id)->{status}, 404, 'its session is gone');
    $model->stop_ok;

    my $nobody = start(agent => 0, same_table => 1);
    $emulator->put_item($TABLE, { session_id => { S => 'old-1' }, created_at => { S => '2026-01-02T03:04:05' } });
    is(look_at($nobody, 'old-1')->{status}, 200, 'GET needs no backend');
    is(remove($nobody, 'old-1')->{json}{error_code}, 'not_configured', 'DELETE does');
    $nobody->stop_ok;
};

subtest 'no room for one more' => sub {
    my $server = start(chatbot => 'ChatbotMaxInFlight 1');
    my $id = $server->chat('Hello')->{json}{session_id};
    my $chat = begin($server, 'InvokeAgent', 'POST', '/chat', body => { message => '{{hang}}' });
    is($_->{json}{error_code}, 'overloaded', 'refused while a chat is in flight') for look_at($server, $id), remove($server, $id);
    $chat->reset;
    ok(Chatbot::Httpd::wait_for(10, sub { remove($server, $id)->{status} == 204 }), 'and then it goes');
    $server->stop_ok;
};

subtest 'items that others have filled' => sub {
    my $server = start();
    my %item = (created_at => { S => '2026-01-02T03:04:05' }, user_data => { M => {} });
    $emulator->put_item($TABLE, { %item, session_id => { S => 'full-1' }, notes => { S => 'x' x 395_000 },
        history => { L => [ { M => { role => { S => 'user' }, text => { S => 'y' x 10_000 } } } ] } });
    ok(saved(say_to($server, 'full-1', 'z' x 3000)), 'an item without room for a history is saved without');
    my $item = item('full-1');
    is($item->{history}, undef, 'it has none');
    is($item->{turns}{N}, 2, 'its turns are counted');
    is(length $item->{notes}{S}, 395_000, 'and what is not ours is kept');
    like($server->error_log, qr/CHAT0501: request \S+: saving the session: .*the history is dropped/, 'the log says so');
    $emulator->put_item($TABLE, { %item, session_id => { S => 'full-2' }, notes => { S => 'x' x 409_000 } });
    my $answer = say_to($server, 'full-2', 'z' x 3000);
    is($answer->{status}, 200, 'one without any room stops no chat');
    ok(!saved($answer), 'which is told');
    $emulator->put_item($TABLE, { %item, session_id => { S => 'odd-1' }, busy_until => { N => '9999999999999.5' } });
    ok(!saved(say_to($server, 'odd-1', 'Hello')), 'a claim that is no time');
    like($server->error_log, qr/CHAT0305: .*opening the session: .*attributes of the types/, 'is told from a turn in flight');
    $emulator->put_item($TABLE, { %item, session_id => { S => 'odd-2' }, version => { N => '1.5' } });
    ok(!saved(say_to($server, 'odd-2', 'Hello')), 'a version that is none');
    like($server->error_log, qr/CHAT0305: .*saving the session: .*is its version a whole number/, 'is asked about');
    $server->stop_ok;
};

subtest 'what happens to an item during its turn' => sub {
    my $server = start();
    my $chat = sub { my ($id) = @_; return begin($server, 'InvokeAgent', 'POST', '/chat', body => { message => '{{delay 500}}Hello', session_id => $id }) };
    say_to($server, 'gone-1', 'Hello');
    my $client = $chat->('gone-1');
    $emulator->create_table($TABLE, 'session_id');
    my $answer = $client->answer;
    is($answer->{status}, 200, 'it is deleted: the chat is answered');
    ok(!saved($answer), 'unsaved');
    is(item('gone-1'), undef, 'it stays deleted');
    say_to($server, 'more-1', 'Hello');
    $client = $chat->('more-1');
    my $item = item('more-1');
    $emulator->put_item($TABLE, { %$item, turns => { N => '5' }, version => { N => '9' } });
    ok(saved($client->answer), 'it is changed: the turn is added to it');
    is(item('more-1')->{turns}{N}, 6, 'its turns');
    is(item('more-1')->{version}{N}, 10, 'its version');
    $emulator->faults({ operation => 'PutItem', commands => '{{act}}{{reset}}', times => 1 });
    my $id = $server->chat('Hello')->{json}{session_id};
    is(item($id)->{turns}{N}, 1, 'a save whose answer is lost counts once');
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
