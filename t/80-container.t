#!/usr/bin/env perl
# What the container is made of, without a container: conf/container-start checks its variables, and
# conf/httpd-container.conf is a configuration. t/packages/container builds and runs the Dockerfile.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

my $slurp = \&Chatbot::Httpd::_slurp;
my $settings = $slurp->('conf/container-start');
my @names = $settings =~ /^setting (\w+)/mg;
my $conf = $slurp->('conf/httpd-container.conf');

# Runs a command as the container does, with these variables; (exit status, output).
sub start {
    my ($env, @command) = @_;
    my $pid = open(my $output, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        %ENV = (PATH => $ENV{PATH}, %$env);
        open(STDERR, '>&', \*STDOUT);
        exec('conf/container-start', @command) or POSIX::_exit(127);
    }
    local $/ = undef;
    my $text = <$output> // '';
    close($output);
    return ($? >> 8, $text);
}

subtest 'variables' => sub {
    my %used = map { $_ => 1 } $conf =~ /\$\{(\w+)\}/g;
    is_deeply([ sort @names ], [ sort keys %used ], 'those that are checked are those of httpd-container.conf');
    my ($status, $text) = start({ AWS_REGION => '', BEDROCK_AGENT_ID => 'AGENT12345' }, 'sh', '-c', 'set; ulimit -n');
    is($status, 0, 'all have defaults');
    my %value = $text =~ /^(\w+)='?(.*?)'?$/mg;
    is_deeply([ grep { !length($value{$_} // '') } @names ], [], 'that are not empty');
    ok(!exists $value{AWS_REGION}, 'an empty variable of the AWS SDKs is none');
    is($value{BEDROCK_AGENT_ID}, 'AGENT12345', 'the others are as they were');
    my $manual = $slurp->('docs/install.md');
    for my $name (@names) {
        my ($default) = $manual =~ /^\| `$name` \| `([^`]+)` \|/m;
        is($default, $value{$name}, "$name: docs/install.md has its default");
    }
    cmp_ok($value{CHATBOT_KEEPALIVE_TIMEOUT}, '>', 60, 'idle connections outlive the load balancer\'s 60 s');
    cmp_ok($value{CHATBOT_STOP_TIMEOUT}, '>', $value{$_}, "a stop is longer than $_") for qw(CHATBOT_TIMEOUT CHATBOT_STREAM_TIMEOUT);
    my %mpm = $conf =~ /^(\w+) (\d+)$/mg;
    cmp_ok($mpm{ThreadsPerChild} * $mpm{AsyncRequestWorkerFactor}, '>=', $value{CHATBOT_MAX_IN_FLIGHT}, 'one child can hold all chats');
};

subtest 'values that are none' => sub {
    my %wrong = (
        PORT                      => [ '0', '80 8081', "8000\nListen 9999", 'http' ],
        LOG_LEVEL                 => [ 'loud', "warn\nLoadModule x y", 'warn ssl:debug' ],
        CHATBOT_TIMEOUT           => [ '30s stream=1', '-1', '${PATH}', '1e3' ],
        CHATBOT_STREAM_TIMEOUT    => [ '0' ],
        CHATBOT_STOP_TIMEOUT      => [ '2 min' ],
        CHATBOT_KEEPALIVE_TIMEOUT => [ '65ms' ],
        CHATBOT_MAX_IN_FLIGHT     => [ 'many', '10 000' ],
        CHATBOT_RATE_LIMIT        => [ '100', "100 1h\nErrorLog /tmp/x", '100 1h # x', '"100" 1h' ],
        CHATBOT_RATE_LIMIT_SHARED => [ 'On', 'dynamodb:a b', 'dynamodb:x"' ],
        CHATBOT_CORS_ORIGINS      => [ 'www.example.com', 'https://a.example/', "https://a.example\nX", 'https://a.example *' ],
        CHATBOT_FILE_BUCKET       => [ 'Bucket', 'a b c', 'bucket "' ],
        CHATBOT_MAX_BODY          => [ '64kb', '1g' ],
        CHATBOT_METRICS           => [ 'on', "Off\n", '<If true>' ],
        CHATBOT_METRICS_NAMESPACE => [ 'a b', "a'b" ],
        CHATBOT_TRUSTED_PROXIES   => [ '10.0.0.0/8,10.1.0.0/16', 'example.com', "10.0.0.0/8\nServerAdmin x", ' ' ],
    );
    is_deeply([ sort keys %wrong ], [ sort @names ], 'of each variable');
    for my $name (sort keys %wrong) {
        for my $value (@{ $wrong{$name} }) {
            my ($status, $text) = start({ $name => $value }, 'echo', 'started');
            my $shown = $value =~ s/\n/\\n/gr;
            is($status, 1, "$name=$shown is refused");
            like($text, qr/\Acontainer-start: $name is \S.*; write \S.*\n\z/, 'in one line that says what to write');
        }
    }
};

# httpd's own word on the configuration, with the paths of the image turned into those of a folder here.
sub configtest {
    my ($name, %env) = @_;
    my $folder = File::Temp->newdir;
    mkdir "$folder/$_" for qw(conf.d empty run);
    Chatbot::Httpd::_write("$folder/conf.d/site.conf", delete $env{site} // '');
    my %file = ('httpd-container.conf' => $conf, map { $_ => $slurp->("conf/$_") } qw(chatbot.conf logging.conf));
    for my $path (sort keys %file) {
        my $text = $file{$path};
        $text =~ s{/usr/lib/apache2/modules/mod_chatbot}{$Chatbot::Httpd::BUILD/mod_chatbot}g;
        $text =~ s{/usr/lib/apache2/modules}{$Chatbot::Httpd::LIBEXEC}g;
        $text =~ s{/etc/chatbot}{$folder}g;
        $text =~ s{/run/chatbot}{$folder/run}g;
        Chatbot::Httpd::_write("$folder/$path", $text);
    }
    my %sanitizer = map { $_ => $ENV{$_} } grep { /SAN_OPTIONS$/ } keys %ENV;
    # LeakSanitizer itself crashes at the end of httpd -t with mod_deflate; t/10-configuration.t looks for leaks.
    $sanitizer{ASAN_OPTIONS} .= ':detect_leaks=0' if $sanitizer{ASAN_OPTIONS};
    my ($status, $text) = start({ PORT => 8000, AWS_EC2_METADATA_DISABLED => 'true', %sanitizer, %env },
        Chatbot::Httpd::_command(), '-t', '-f', "$folder/httpd-container.conf");
    like($text, qr/Syntax OK/, $name) or diag($text);
    is($status, 0, "$name: exit status") or diag($text);
    unlike($text, qr/is not defined|AH00111/, "$name: no variable is missing");
    return;
}

subtest 'the configuration' => sub {
    configtest('as it is');
    configtest('every variable set',
        PORT                      => '8080',
        LOG_LEVEL                 => 'warn chatbot:debug',
        CHATBOT_TIMEOUT           => '28',
        CHATBOT_STREAM_TIMEOUT    => '90',
        CHATBOT_STOP_TIMEOUT      => '95',
        CHATBOT_KEEPALIVE_TIMEOUT => '125',
        CHATBOT_MAX_IN_FLIGHT     => '2000',
        CHATBOT_RATE_LIMIT        => '20 15min',
        CHATBOT_RATE_LIMIT_SHARED => 'dynamodb:chat_sessions',
        CHATBOT_CORS_ORIGINS      => 'https://www.example.com http://localhost:3000',
        CHATBOT_FILE_BUCKET       => 'chat-files incoming/chatbot',
        CHATBOT_MAX_BODY          => '14m',
        CHATBOT_METRICS           => 'emf',
        CHATBOT_METRICS_NAMESPACE => 'Shop/Chat',
        CHATBOT_TRUSTED_PROXIES   => '10.0.1.0/24 2001:db8::/32',
        AWS_REGION                => 'eu-central-1',
        BEDROCK_AGENT_ID          => 'AGENT12345',
        BEDROCK_AGENT_ALIAS_ID    => 'TSTALIASID',
        CHAT_SESSIONS_TABLE       => 'chat_sessions',
    );
    configtest('Off', map { $_ => 'Off' } qw(CHATBOT_RATE_LIMIT CHATBOT_RATE_LIMIT_SHARED CHATBOT_CORS_ORIGINS CHATBOT_FILE_BUCKET CHATBOT_METRICS));
    my ($site) = $slurp->('docs/install.md') =~ /^(# site\.conf: .*?)^```/ms;
    configtest('with the manual\'s file in conf.d', site => $site, AWS_REGION => 'us-east-1');
    configtest('any origin', CHATBOT_CORS_ORIGINS => '*');
};

subtest 'the health check' => sub {
    my $server = Chatbot::Server->start;
    local $ENV{PORT} = $server->port;
    is(system('conf/container-health 2>/dev/null'), 0, 'passes while httpd answers');
    $server->stop_ok;
    isnt(system('conf/container-health 2>/dev/null'), 0, 'fails when nobody does');
    my $other = Chatbot::Httpd->start;
    local $ENV{PORT} = $other->port;
    isnt(system('conf/container-health 2>/dev/null'), 0, 'fails when the answer is no 200');
};

done_testing();
