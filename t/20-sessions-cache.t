#!/usr/bin/env perl
# Sessions in httpd's own caches: shared memory over several children, Redis, memcached, dbm.
use strict;
use warnings;
use lib 't/lib';
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Client;
use Chatbot::Server;
use Chatbot::Sessions;

subtest 'the configuration is checked' => sub {
    my @wrong = (
        [ 'ChatbotSessionStore dynamodb',       qr/ChatbotSessionStore dynamodb: no table.*ChatbotSessionTable/ ],
        [ 'ChatbotSessionStore dynamodb:table', qr/ChatbotSessionStore: "dynamodb:table".*ChatbotSessionTable/ ],
        [ 'ChatbotSessionStore none:really',    qr/ChatbotSessionStore: "none:really".*write/ ],
        [ 'ChatbotSessionStore :x',             qr/ChatbotSessionStore: ":x".*write/ ],
        [ 'ChatbotSessionStore shmcb',          qr/ChatbotSessionStore shmcb: no module.*mod_socache_shmcb.*a2enmod/ ],
        [ 'ChatbotSessionStore redis:a:1',      qr/ChatbotSessionStore redis: no module.*mod_socache_redis/ ],
        [ 'ChatbotSessionStore shmbc',          qr/ChatbotSessionStore shmbc: no module/ ],
        [ 'ChatbotSessionStore memcache',       qr/ChatbotSessionStore memcache:: .*required.*mod_socache_memcache/, 'socache_memcache' ],
        [ 'ChatbotSessionStore shmcb:/x(abc)',  qr/ChatbotSessionStore shmcb:\/x\(abc\): .*numerical/, 'socache_shmcb' ],
        [ 'ChatbotSessionStore shmcb:/x(99999999999)', qr/ChatbotSessionStore shmcb:.*size/, 'socache_shmcb' ],
        [ 'ChatbotSessionTable ab',             qr/ChatbotSessionTable: "ab".*write/ ],
        [ 'ChatbotSessionTable "chat sessions"', qr/ChatbotSessionTable: .*write/ ],
        [ 'ChatbotSessionTable ' . 'a' x 256,   qr/ChatbotSessionTable: .*write/ ],
        [ 'ChatbotSessionTable arn:aws:s3:::bucket', qr/ChatbotSessionTable: .*write/ ],
        [ 'ChatbotSessionTTL 59',               qr/ChatbotSessionTTL: "59".*write/ ],
        [ 'ChatbotSessionTTL 1day',             qr/ChatbotSessionTTL: "1day".*write/ ],
        [ 'ChatbotSessionTTL 50000h',           qr/ChatbotSessionTTL: .*write/ ],
        [ 'ChatbotSessionTTL -24h',             qr/ChatbotSessionTTL: .*write/ ],
        [ 'ChatbotSessionHistory 1001',         qr/ChatbotSessionHistory: "1001".*write/ ],
        [ 'ChatbotSessionHistory -1',           qr/ChatbotSessionHistory: .*write/ ],
        [ 'ChatbotSessionHistory 20turns',      qr/ChatbotSessionHistory: .*write/ ],
        [ 'ChatbotUser "%{REMOTE_USER"',        qr/ChatbotUser: .*no expression.*write/ ],
        [ "<Location /chat>\nChatbotSessionStore none\n</Location>", qr/ChatbotSessionStore (?:cannot occur|not allowed)/ ],
        [ "<Location /chat>\nChatbotSessionTTL 1h\n</Location>",     qr/ChatbotSessionTTL (?:cannot occur|not allowed)/ ],
    );
    for my $case (@wrong) {
        my ($line, $pattern, @modules) = @$case;
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, quiet => 0, chatbot => $line, modules => \@modules);
        (my $name = $line) =~ s/\n/ /g;
        isnt($status, 0, "$name: refused");
        like($text, $pattern, "$name: the reason, and what to write instead");
    }
    my @right = ('ChatbotSessionStore none', 'ChatbotSessionTTL 60', 'ChatbotSessionTTL 43920h', 'ChatbotSessionHistory 0',
        'ChatbotSessionHistory 1000', 'ChatbotSessionTable chat_sessions', 'ChatbotSessionTable a.b-C_9',
        "ChatbotSessionStore dynamodb\nChatbotSessionTable arn:aws:dynamodb:us-east-1:123456789012:table/chat_sessions",
        'ChatbotUser "%{REMOTE_USER}"', "<Location /a>\nChatbotUser \"%{reqenv:SUB}\"\n</Location>",
        "<VirtualHost *:1>\nChatbotSessionStore none\n</VirtualHost>");
    for my $line (@right, 'ChatbotSessionStore shmcb', 'ChatbotSessionStore shmcb:x(100000)') {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, quiet => 0, chatbot => $line, modules => ['socache_shmcb']);
        is($status, 0, "taken: $line") or diag($text);
        unlike($text, qr/CHAT0521/, 'without a warning');
    }
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, quiet => 0);
    is($status, 0, 'without a table and without mod_socache_shmcb httpd runs') or diag($text);
    like($text, qr/CHAT0521: sessions are not kept.*a2enmod socache_shmcb/, 'and says what to load');
    ($status, $text) = Chatbot::Server->configtest(emulator => 0, quiet => 0, env => { CHAT_SESSIONS_TABLE => 'a table' });
    isnt($status, 0, 'a CHAT_SESSIONS_TABLE that is no table: refused');
    like($text, qr/CHAT0520: .*CHAT_SESSIONS_TABLE/, 'by its name');
    ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => 'Mutex posixsem chatbot-sessions',
        modules => ['socache_shmcb']);
    is($status, 0, 'the Mutex directive knows our mutex') or diag($text);
};


my $emulator = Chatbot::Emulator->shared;

# With the store of the line given, or the default one.
sub start {
    my (%option) = @_;
    $option{chatbot} = "ChatbotRateLimit Off\n" . ($option{chatbot} // '');
    return Chatbot::Server->start(modules => ['socache_shmcb'], quiet => 0, %option);
}

my $WHEN  = qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

subtest 'a conversation over several children' => sub {
    my $server = start(children => 3, threads => 4);
    my $first = $server->chat('{{echo}}one')->{json};
    my $id = $first->{session_id};
    my $before = look_at($server, $id);
    is($before->{status}, 200, 'its session is there');
    like($before->{headers}{'content-type'}, qr{^application/json\b}, 'as JSON');
    is($before->{headers}{'cache-control'}, 'no-store', 'not to be stored');
    is_deeply([ sort keys %{ $before->{json} } ],
        [qw(created_at expires_at history last_message session_id turns updated_at user_id)], 'its members');
    is($before->{json}{user_id}, undef, 'of nobody');
    like($before->{json}{$_}, $WHEN, $_) for qw(created_at updated_at expires_at);
    say_to($server, $id, "{{echo}}turn $_") for 2 .. 12;
    my $after = look_at($server, $id)->{json};
    is($after->{turns}, 12, 'each turn is counted, whichever child had it');
    is($after->{created_at}, $before->{json}{created_at}, 'created_at is kept');
    cmp_ok($after->{updated_at}, 'gt', $before->{json}{updated_at}, 'updated_at is not');
    is($after->{last_message}, '{{echo}}turn 12', 'the last message');
    is(scalar @{ $after->{history} }, 24, 'every message and answer');
    is_deeply([ map { $_->{role} } @{ $after->{history} }[ 0 .. 3 ] ], [qw(user assistant user assistant)], 'their roles');
    is($after->{history}[22]{text}, '{{echo}}turn 12', 'their texts');
    my $head = $server->request('HEAD', "/sessions/$id");
    is($head->{status}, 200, 'HEAD too');
    is($head->{headers}{'content-length'}, length look_at($server, $id)->{body}, 'with the length of GET');
    say_to($server, $id, "turn $_") for 13 .. 25;
    my $long = look_at($server, $id)->{json};
    is(scalar @{ $long->{history} }, 40, 'the history keeps 20 turns');
    is($long->{history}[0]{text}, '{{echo}}turn 6', 'the last ones');
    is($long->{turns}, 25, 'all are counted');
    $server->stop_ok;
};

subtest 'the end of a session' => sub {
    my $server = start();
    say_to($server, 'end-1', 'My name is Ada');
    like(say_to($server, 'end-1', 'What is my name?')->{json}{response}, qr/Ada/, 'the agent remembers');
    my $gone = remove($server, 'end-1');
    is($gone->{status}, 204, 'DELETE: 204');
    is($gone->{body}, '', 'without a body');
    ok($gone->{headers}{'x-request-id'}, 'with a request id');
    my ($call) = grep { ($_->{session} // $_->{path} // '') =~ /end-1/ } reverse $emulator->calls('InvokeAgent');
    ok($call, 'the agent was told');
    is(look_at($server, 'end-1')->{status}, 404, 'it is not there any more');
    is(look_at($server, 'end-1')->{json}{error_code}, 'session_not_found', 'session_not_found');
    is(remove($server, 'end-1')->{status}, 404, 'nor to delete');
    unlike(say_to($server, 'end-1', 'What is my name?')->{json}{response}, qr/Ada/, 'the agent has forgotten');
    is(look_at($server, 'end-1')->{json}{turns}, 1, 'and it begins anew');

    $emulator->faults({ operation => 'InvokeAgent', commands => '{{error AccessDenied}}' });
    my $failed = remove($server, 'end-1');
    is($failed->{status}, 502, 'an agent that refuses: 502');
    is($failed->{json}{error_code}, 'upstream_access_denied', 'its error');
    $emulator->faults;
    is(look_at($server, 'end-1')->{status}, 200, 'and the session is still there');
    is(remove($server, 'end-1')->{status}, 204, 'to be deleted by the next attempt');
    $server->stop_ok;
};

subtest 'what is no session' => sub {
    my $server = start();
    for my $path ('', '/', '/a', '/..%2f', '/' . 'x' x 101, '/a%20b', '/caf%C3%A9', '/%7B%7D', '/none-1', '/a/b/none-1', '/none-1?x', '/none-1%00') {
        my $answer = $server->request('GET', "/sessions$path");
        is($answer->{status}, 404, "GET /sessions$path: 404");
    }
    is($server->request('GET', '/sessions/none-1')->{json}{error_code}, 'session_not_found', 'session_not_found');
    for my $method (qw(POST PUT PATCH TRACE)) {
        my $answer = $server->request($method, '/sessions/none-1');
        is($answer->{status}, 405, "$method: 405");
        like($answer->{headers}{allow}, qr/GET, HEAD.*DELETE|DELETE.*GET, HEAD/, 'with Allow') if $method ne 'TRACE';
    }
    is($server->request('OPTIONS', '/sessions/none-1')->{status}, 204, 'OPTIONS: 204');
    is($server->chat('Hello')->{status}, 200, 'and chats go on');
    $server->stop_ok;
};

subtest 'whose it is, by what clients say' => sub {
    my $server = start();
    is(say_to($server, 'own-1', 'Hello', user => 'ann')->{status}, 200, 'ann begins');
    is(look_at($server, 'own-1?user_id=ann')->{json}{user_id}, 'ann', 'it is ann\'s');
    my $other = say_to($server, 'own-1', 'Hello', user => 'ben');
    is($other->{status}, 403, 'ben may not go on');
    is($other->{json}{error_code}, 'session_forbidden', 'session_forbidden');
    is(say_to($server, 'own-1', 'Hello')->{status}, 403, 'nor may nobody');
    is(say_to($server, 'own-1', 'Hello', user => 'ann')->{status}, 200, 'ann may');
    is(look_at($server, 'own-1?user_id=ben')->{status}, 403, 'ben may not look');
    is(remove($server, 'own-1?user_id=ben')->{status}, 403, 'nor delete');
    is(look_at($server, 'own-1')->{json}{turns}, 2, 'without any user the id is the key');
    say_to($server, 'own-2', 'Hello');
    is(say_to($server, 'own-2', 'Hello', user => 'ben')->{status}, 200, 'what is nobody\'s');
    is(look_at($server, 'own-2')->{json}{user_id}, 'ben', 'is the first user\'s');
    my $odd = "Zo\x{eb} & co";
    utf8::encode(my $bytes = $odd);
    (my $escaped = $bytes) =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
    say_to($server, 'own-3', 'Hello', user => $odd);
    is(look_at($server, "own-3?user_id=$escaped")->{json}{user_id}, $odd, 'any text is a user');
    is(remove($server, 'own-1?user_id=ann')->{status}, 204, 'ann may delete');
    $server->stop_ok;
};

# htpasswd's form of "pw", as crypt(3) makes it; a name may be in any encoding.
sub authenticated_server {
    my (%option) = @_;
    my $more = delete $option{more} // '';
    return start(%option,
        modules => [qw(socache_shmcb auth_basic authn_core authn_file authz_user)],
        config => sub {
            my ($self) = @_;
            Chatbot::Httpd::_write("$self->{dir}/htpasswd", join '', map { "$_:" . crypt('pw', '$1$salt') . "\n" } 'ann', 'ben', "J\xf6rg");
            return <<"CONF";
<LocationMatch "^/(?:chat|sessions)">
    AuthType Basic
    AuthName chat
    AuthBasicProvider file
    AuthUserFile $self->{dir}/htpasswd
    Require valid-user
    $more
</LocationMatch>
CONF
        });
}

sub as { my ($name) = @_; return (headers => { Authorization => 'Basic ' . encode_base64("$name:pw", '') }) }

subtest 'whose it is, by authentication' => sub {
    my $server = authenticated_server();
    is(say_to($server, 'auth-1', 'Hello')->{status}, 401, 'no chat without a name');
    is(say_to($server, 'auth-1', 'Hello', user => 'ben', as('ann'))->{status}, 200, 'ann says that she is ben');
    is(look_at($server, 'auth-1', as('ann'))->{json}{user_id}, 'ann', 'and is ann all the same');
    is(say_to($server, 'auth-1', 'Hello', user => 'ann', as('ben'))->{status}, 403, 'ben says that he is ann, and is not');
    is(look_at($server, 'auth-1?user_id=ann', as('ben'))->{status}, 403, 'nor can he look');
    is(remove($server, 'auth-1?user_id=ann', as('ben'))->{status}, 403, 'nor delete');
    is(say_to($server, 'auth-2', 'Hello', as("J\xf6rg"))->{status}, 200, 'a name in Latin-1');
    is(look_at($server, 'auth-2', as("J\xf6rg"))->{json}{user_id}, "J\x{f6}rg", 'is read as such');
    $server->stop_ok;
};

subtest 'ChatbotUser' => sub {
    my $server = start(chatbot => 'ChatbotUser "%{req:X-User}"');
    my @ann = (headers => { 'X-User' => 'ann' });
    say_to($server, 'expr-1', 'Hello', user => 'ben', @ann);
    is(look_at($server, 'expr-1', @ann)->{json}{user_id}, 'ann', 'the expression says who it is');
    is(look_at($server, 'expr-1')->{status}, 403, 'an empty one is nobody');
    is(look_at($server, 'expr-1?user_id=ann')->{status}, 403, 'whatever the client says');
    is(say_to($server, 'expr-2', 'Hello', user => 'ann')->{status}, 200, 'nobody chats');
    is(look_at($server, 'expr-2')->{json}{user_id}, undef, 'in a session of nobody\'s');
    is(remove($server, 'expr-2')->{status}, 204, 'and may delete it');
    $server->stop_ok;
};

subtest 'graceful restart' => sub {
    my $server = start(children => 2, threads => 4);
    say_to($server, "kept-$_", '{{echo}}before') for 1 .. 5;
    for my $round (1, 2) {
        ok($server->graceful, "restart $round");
        say_to($server, 'kept-1', "{{echo}}round $round");
        is(look_at($server, "kept-$_")->{status}, 200, "kept-$_ is kept") for 1 .. 5;
    }
    is(look_at($server, 'kept-1')->{json}{turns}, 3, 'and its conversation goes on');
    $server->stop_ok;
};

subtest 'history and room' => sub {
    my $server = start(chatbot => 'ChatbotSessionHistory 0');
    say_to($server, 'bare-1', "message $_") for 1, 2;
    my $bare = look_at($server, 'bare-1')->{json};
    is_deeply($bare->{history}, [], 'no history is kept');
    is($bare->{turns}, 2, 'the turns are');
    is($bare->{last_message}, 'message 2', 'and the last message');
    $server->stop_ok;

    $server = start(chatbot => "ChatbotSessionStore shmcb:small(60000)\nChatbotSessionHistory 1000");
    my $text = 'x' x 3000;
    ok(saved(say_to($server, 'small-1', "{{echo}}$_ $text")), "turn $_ is saved in a small cache") for 1 .. 8;
    my $small = look_at($server, 'small-1')->{json};
    is($small->{turns}, 8, 'all are counted');
    my $kept = @{ $small->{history} };
    ok($kept > 0 && $kept < 16 && $kept % 2 == 0, "the last of them are kept ($kept messages)");
    is($small->{history}[-2]{text}, "{{echo}}8 $text", 'up to the last message');
    like($server->error_log, qr/CHAT0536: request \S+: .*the oldest \d+ of \d+ messages/, 'and the log says so');
    $server->stop_ok;

    $server = start(chatbot => "ChatbotSessionStore shmcb:tiny(12000)");
    my $answer = say_to($server, 'tiny-1', "\x{1}" x 3000);
    is($answer->{status}, 200, 'a record that does not fit at all stops no chat');
    is($answer->{headers}{'x-chatbot-session'}, 'unsaved', 'which is told');
    ok(saved(say_to($server, 'tiny-2', 'Hi')), 'others fit');
    $server->stop_ok;
};

subtest 'a cache that does not start' => sub {
    ok(!eval { start(modules => ['socache_dbm'], chatbot => 'ChatbotSessionStore dbm:/nowhere/cache')->stop; 1 }, 'nor does httpd');
    like($@, qr/CHAT0531: .*correct ChatbotSessionStore/, 'the log says what to correct');
};

subtest 'none, and virtual hosts of their own' => sub {
    my $server = start(chatbot => 'ChatbotSessionStore none',
        ports => 1, config => sub {
            my ($self) = @_;
            return "Listen 127.0.0.1:$self->{ports}[0]\n<VirtualHost *:$self->{ports}[0]>\nChatbotSessionStore shmcb\n"
                . "$Chatbot::Server::HANDLERS</VirtualHost>\n";
        });
    ok(saved(say_to($server, 'none-1', 'Hello')), 'no store: nothing is said of it');
    is(look_at($server, 'none-1')->{status}, 404, 'and nothing is there');
    my $host = Chatbot::Client->new(port => $server->{ports}[0]);
    is($host->request('POST', '/chat', body => { message => 'Hello', session_id => 'host-1' })->{status}, 200, 'the virtual host chats');
    is($host->request('GET', '/sessions/host-1')->{json}{turns}, 1, 'and keeps sessions');
    is(look_at($server, 'host-1')->{status}, 404, 'that are not the main server\'s');
    $host->close;
    $server->stop_ok;
};

subtest 'the mutex' => sub {
    for my $kind (qw(pthread posixsem fcntl:. flock:.)) {
        my $server = start(children => 2, threads => 4, chatbot => "Mutex $kind chatbot-sessions");
        my $id = $server->chat('Hello')->{json}{session_id};
        say_to($server, $id, "Hello $_") for 1 .. 3;
        is(look_at($server, $id)->{json}{turns}, 4, "Mutex $kind");
        $server->stop_ok;
    }
};

subtest 'one turn at a time' => sub {
    my $server = start(children => 2, threads => 4);
    my $slow = $server->client;
    say_to($server, 'busy-1', 'Hello');
    $slow->send($slow->compose('POST', '/chat', body => { message => '{{delay 1500}}Hello', session_id => 'busy-1' }));
    ok(Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') }), 'a turn is in flight');
    my $second = say_to($server, 'busy-1', 'Hello');
    is($second->{status}, 409, 'another gets 409');
    is($second->{json}{error_code}, 'session_busy', 'session_busy');
    is(remove($server, 'busy-1')->{status}, 409, 'so does DELETE');
    is(look_at($server, 'busy-1')->{status}, 200, 'GET does not');
    is($slow->answer->{status}, 200, 'the first is answered');
    is(look_at($server, 'busy-1')->{json}{turns}, 2, 'and saved');
    is(remove($server, 'busy-1')->{status}, 204, 'then it can be deleted');
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

# A server of its own, ended by ->stop or with the test.
package Cache {
    sub start {
        my ($class, $name, @command) = @_;
        my $pid = fork() // die "fork: $!";
        if ($pid == 0) {
            open(STDOUT, '>', '/dev/null');
            open(STDERR, '>&', \*STDOUT);
            exec('/usr/bin/setpriv', '--pdeathsig', 'KILL', @command) or POSIX::_exit(127);
        }
        return bless { pid => $pid, owner => $$ }, $class;
    }
    sub signal { my ($self, $signal) = @_; return kill($signal, $self->{pid}) }
    sub stop {
        my ($self) = @_;
        return if !$self->{pid} || $self->{owner} != $$;
        kill('KILL', $self->{pid});
        waitpid(delete $self->{pid}, 0);
        return;
    }
    sub DESTROY { local ($?, $@); $_[0]->stop }
}

sub redis_server {
    my ($port) = @_;
    my $cache = Cache->start('redis', qw(redis-server --bind 127.0.0.1 --save), '', '--appendonly', 'no', '--port', $port);
    Chatbot::Httpd::wait_for(10, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) })
        or die "redis-server does not answer on port $port";
    return $cache;
}

sub installed { my ($program) = @_; return scalar grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin' }

# One command of Redis's protocol; the first text of its answer.
sub command {
    my ($port, @words) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "redis: $@";
    print {$socket} '*' . @words . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @words;
    my $line = <$socket> // '';
    $line = <$socket> // '' if $line =~ /^\*[1-9]/;
    return $line if $line !~ /^\$(\d+)/;
    read($socket, my $text, $1);
    return $text;
}

# A chat that is in flight while something else happens; what it ends with.
sub meanwhile {
    my ($server, $id, $user, $code) = @_;
    my $client = $server->client;
    my $before = $emulator->count('calls');
    $client->send($client->compose('POST', '/chat', body => { message => '{{delay 400}}Hello', session_id => $id, user_id => $user }));
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls') > $before });
    $code->();
    return $client->answer;
}

# What two machines do to one session, when neither knows of the other.
sub overtake {
    my ($one, $two, $port) = @_;
    my $turns = sub { return look_at($two, "$_[0]?user_id=ann")->{json}{turns} };
    say_to($one, 'both-1', 'Hello', user => 'ann');
    my $answer = meanwhile($one, 'both-1', 'ann', sub { say_to($two, 'both-1', 'Hello', user => 'ann') });
    ok(saved($answer), 'a save that another one overtook is made again');
    is($turns->('both-1'), 3, 'on top of it');
    $answer = meanwhile($one, 'both-1', 'ann', sub { remove($two, 'both-1?user_id=ann') });
    ok(saved($answer), 'one of a session that is gone');
    is($turns->('both-1'), 1, 'begins anew');
    $answer = meanwhile($one, 'both-2', 'ben', sub { say_to($two, 'both-2', 'Hello', user => 'ann') });
    is($answer->{json}{error_code}, 'session_forbidden', 'one that somebody else has begun is not saved to');
    is($turns->('both-2'), 1, 'it stays as it is');
    $emulator->faults({ operation => 'InvokeAgent', commands => '{{delay 400}}' });
    for my $case ([ 204, sub { command($port, 'FLUSHALL') } ], [ 403, sub { command($port, 'FLUSHALL'); $emulator->faults; say_to($two, 'both-1', 'Hello', user => 'ben') } ]) {
        my ($status, $code) = @$case;
        my $client = $one->client;
        my $before = $emulator->count('calls');
        $client->send($client->compose('DELETE', '/sessions/both-1?user_id=ann'));
        Chatbot::Httpd::wait_for(10, sub { $emulator->count('calls') > $before });
        $code->();
        is($client->answer('DELETE')->{status}, $status, "DELETE of what is gone, or another's, by then: $status");
        say_to($two, 'both-1', 'Hello', user => 'ann') if $status == 204;
    }
    $emulator->faults;
    return;
}

SKIP: {
    skip 'redis-server is not installed (Debian\'s redis-server)', 1 if !installed('redis-server');
    subtest 'Redis' => sub {
        my ($port) = Chatbot::Httpd::free_ports(1);
        my $redis = redis_server($port);
        my @redis = (modules => ['socache_redis'], threads => 4,
            chatbot => "ChatbotSessionStore redis:127.0.0.1:$port");
        my ($one, $two) = map { start(@redis) } 1, 2;
        my $id = $one->chat('{{echo}}one')->{json}{session_id};
        ok(saved(say_to($two, $id, '{{echo}}two')), 'a second httpd goes on with the session');
        my $session = look_at($one, $id)->{json};
        is($session->{turns}, 2, 'both turns are in it');
        is($session->{history}[2]{text}, '{{echo}}two', 'and in the history');
        ok($one->graceful, 'a graceful restart');
        is(look_at($one, $id)->{json}{turns}, 2, 'does not harm it');

        my $old = command($port, 'KEYS', '*' . unpack('H*', $id));
        for my $nonsense ('nonsense', '[]') {
            command($port, 'SET', $old, $nonsense);
            ok(saved(say_to($one, $id, 'Hello')), "$nonsense is no record, and is replaced");
        }
        is(look_at($two, $id)->{json}{turns}, 1, 'the session has begun anew');
        like($one->error_log, qr/CHAT0535: reading a session's record: .*begins anew/, 'the log says so');
        (my $record = command($port, 'GET', $old)) =~ s/("expires_at":)\d+/${1}1/;
        command($port, 'SET', $old, $record);
        is(look_at($one, $id)->{status}, 404, 'one that has expired is none');
        ok(saved(say_to($one, $id, 'Hello')), 'and is replaced as well');
        overtake($one, $two, $port);

        $redis->stop;
        my $answer = say_to($one, $id, 'Hello');
        is($answer->{status}, 200, 'Redis is gone: the chat is answered');
        is($answer->{headers}{'x-chatbot-session'}, 'unsaved', 'its session is unsaved');
        ok(!saved(say_to($one, $id, 'Hello')), 'the next one\'s too') for 1 .. 5;
        is(look_at($one, $id)->{status}, 502, 'GET: 502');
        is(look_at($one, $id)->{json}{error_code}, 'dependency_failed', 'dependency_failed');
        is(remove($one, $id)->{status}, 502, 'DELETE: 502');
        my @gone = $one->error_log =~ /CHAT0533: (.*)/g;
        is(scalar @gone, 1, 'the log says once that it went') or diag(@gone);

        $redis = redis_server($port);
        ok(chat_until($one, $id, \&saved), 'Redis is back: sessions are saved');
        ok(Chatbot::Httpd::wait_for(5, sub { $one->error_log =~ /CHAT0534: the session cache redis answers again/ }),
            'the log says so');

        $redis->signal('STOP');
        my $begun   = time();
        my @waiting = map { my $client = $one->client; $client->send($client->compose('GET', "/sessions/wait-$_")); $client } 1 .. 3;
        $answer = say_to($one, $id, 'Hello');
        is($answer->{status}, 200, 'Redis hangs: the chat is answered');
        ok(!saved($answer), 'unsaved');
        is($_->answer->{status}, 502, 'those who looked at the same time: 502') for @waiting;
        cmp_ok(time() - $begun, '<', 3, 'within its timeout');
        my $longest = 0;
        for ($begun = time(); time() - $begun < 3.5;) {
            my $asked = time();
            say_to($one, $id, 'Hello');
            $longest = time() - $asked if time() - $asked > $longest;
        }
        cmp_ok($longest, '<', 0.5, 'the next ones do not wait, nor the one that asks again');
        $redis->signal('CONT');
        ok(chat_until($one, $id, \&saved), 'and it is back');
        $_->stop_ok for $one, $two;
    };
}

SKIP: {
    skip 'memcached is not installed', 1 if !installed('memcached');
    subtest 'memcached' => sub {
        my ($port) = Chatbot::Httpd::free_ports(1);
        my $cache = Cache->start('memcached', 'memcached', '-l', '127.0.0.1', '-p', $port, '-U', 0, '-u', 'nobody');
        Chatbot::Httpd::wait_for(10, sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });
        my $server = start(modules => ['socache_memcache'],
            chatbot => "ChatbotSessionStore memcache:127.0.0.1:$port");
        my $id = $server->chat('Hello')->{json}{session_id};
        ok(saved(say_to($server, $id, 'Hello')), 'a turn is saved');
        is(look_at($server, $id)->{json}{turns}, 2, 'both are');
        is(remove($server, $id)->{status}, 204, 'DELETE');
        is(look_at($server, $id)->{status}, 404, 'and it is gone');
        $server->stop_ok;
    };
}

subtest 'dbm' => sub {
    my $server = start(modules => ['socache_dbm'], children => 2, threads => 4,
        chatbot => 'ChatbotSessionStore dbm:sessions-dbm');
    my $id = $server->chat('{{echo}}one')->{json}{session_id};
    ok(saved(say_to($server, $id, "{{echo}}turn $_")), "turn $_ is saved") for 2 .. 9;
    is(look_at($server, $id)->{json}{turns}, 9, 'all are counted');
    ok($server->graceful, 'a graceful restart');
    is(look_at($server, $id)->{json}{turns}, 9, 'keeps them');
    $server->stop_ok;
};

done_testing();
