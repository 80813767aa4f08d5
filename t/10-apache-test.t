#!/usr/bin/env perl
# The module under Apache::Test, as other httpd modules are tested: the framework makes the server's
# configuration, starts it and brings its own client.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json encode_json);
use Test::More;

plan skip_all => 'Apache::Test is not installed (Debian: libapache2-mod-perl2)'
    if !eval { require Apache::Test; require Apache::TestRequest; 1 };
plan skip_all => 'the framework has its own environment; the other tests run under sanitizers' if $ENV{SANITIZER};

# A copy that an unprivileged user may write to: Apache::Test refuses to start httpd as root.
my $build = $ENV{BUILD} || 'build';
my $tree  = tempdir('chatbot-apache-test-XXXXXX', TMPDIR => 1);
make_path("$tree/t/conf", "$tree/build");
copy($_->[0], "$tree/$_->[1]") or die "$_->[0]: $!\n"
    for [ 't/TEST', 't/TEST' ], [ 't/conf/base.conf', 't/conf/base.conf' ],
        [ 't/conf/extra.conf.in', 't/conf/extra.conf.in' ],
        map { [ "$build/$_", "build/$_" ] } qw(mod_chatbot.so mod_aws_emulator.so);
chmod(0755, $tree);

my @as = ();
if ($> == 0) {
    my ($uid, $gid) = (getpwnam('nobody'))[ 2, 3 ];
    chown($uid, $gid, $_) for $tree, "$tree/t", "$tree/t/conf", "$tree/build";
    @as = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
}

sub runner {
    my ($what) = @_;
    local $ENV{HOME} = $tree;
    my $pid = open(my $output, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open(STDERR, '>&', \*STDOUT);
        chdir($tree);
        exec(@as, $^X, "$tree/t/TEST", $what);
    }
    local $/ = undef;
    my $text = <$output> // '';
    return close($output) ? '' : $text || 'failed';
}

my $top = getcwd();
END {
    my $status = $?;
    if (defined $tree) {
        runner('-stop-httpd') if -e "$tree/t/logs/httpd.pid";
        chdir($top);
        remove_tree($tree);
    }
    $? = $status;
}

my $trouble = runner('-start-httpd');
if (!is($trouble, '', 'Apache::Test starts httpd with the module')) {
    done_testing();
    exit 1;
}
chdir("$tree/t");
Apache::TestRequest->import(qw(GET POST HEAD));
Apache::TestRequest::user_agent(keep_alive => 1);

my $health = Apache::TestRequest::GET('/health');
is($health->code, 200, 'GET /health');
is(decode_json($health->content)->{status}, 'healthy', 'says healthy');

my $chat = Apache::TestRequest::POST(
    '/chat',
    'Content-Type' => 'application/json',
    content        => encode_json({ message => 'Hello from the framework' })
);
is($chat->code, 200, 'POST /chat');
ok(length(decode_json($chat->content)->{response}), 'has a response');

is(Apache::TestRequest::GET('/chat')->code, 405, 'GET /chat is refused');
is(Apache::TestRequest::GET('/index.html')->code, 200, 'the framework\'s own page is served beside it');

chdir($top);
is(runner('-stop-httpd'), '', 'and stops it');
open(my $log, '<', "$tree/t/logs/error_log") or die "error_log: $!\n";
unlike(join('', <$log>), qr/exit signal|Sanitizer|runtime error/, 'with a clean log');
done_testing();
