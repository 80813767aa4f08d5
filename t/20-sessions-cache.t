#!/usr/bin/env perl
# Sessions in httpd's own caches: shared memory over several children, Redis, memcached, dbm.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

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

done_testing();
