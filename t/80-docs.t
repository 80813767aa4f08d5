#!/usr/bin/env perl
# The manuals agree with the code: links, names, defaults, contexts, sizes; what they tell to configure is taken by
# httpd -t, and what they tell to type is run here or has a reason why not.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Chatbot::Server;

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

my @pages = ('README.md', sort(glob('docs/*.md')), 't/bench/README.md');
my %page  = map { $_ => slurp($_) } @pages;
my %code  = map { $_ => slurp($_) } glob('mod_chatbot.c modules/*/*.c modules/*/*.h');
my $http_code = join '', map { $code{$_} } grep { m{^modules/http/} } sort keys %code;

# A page without its blocks; and its blocks of one language, each with the line it starts at.
sub prose { my ($page) = @_; (my $text = $page{$page}) =~ s/^```.*?^```$//gms; return $text }

sub blocks {
    my ($page, $language) = @_;
    my @blocks;
    while ($page{$page} =~ /^```\Q$language\E\n(.*?)^```$/gms) {
        push @blocks, { text => $1, name => "$page, line " . (1 + (substr($page{$page}, 0, $-[1]) =~ tr/\n//)) };
    }
    return @blocks;
}

# ---- links ----

# The anchor that the repository's viewers make of a heading.
sub anchor_of {
    my ($heading) = @_;
    $heading =~ s/[^\w\- ]//g;
    return lc($heading) =~ tr/ /-/r;
}

sub folder_of { my ($page) = @_; return $page =~ m{^(.*)/} ? $1 : '.' }

sub normal {
    my ($path) = @_;
    $path =~ s{(^|/)\./}{$1}g;
    1 while $path =~ s{[^/.]+/\.\./}{};
    return $path;
}

subtest 'every link inside leads somewhere' => sub {
    my %anchors = map { my $page = $_; $page => { map { anchor_of($_) => 1 } prose($page) =~ /^#+ +(.+)$/mg } } @pages;
    my $links = 0;
    for my $page (@pages) {
        my $text = prose($page);
        $text =~ s/`[^`\n]*`//g;
        while ($text =~ /\]\(([^)\s]+)\)/g) {
            my $target = $1;
            next if $target =~ m{^https?://};
            $links++;
            my ($path, $anchor) = split /#/, $target, 2;
            my $file = $path eq '' ? $page : normal(folder_of($page) . "/$path");
            ok(-e $file, "$page: $target is there") or next;
            ok($anchors{$file}{$anchor}, "$page: $target has its heading") if defined $anchor;
        }
    }
    cmp_ok($links, '>', 20, 'there are links at all');
};

# ---- names ----

my ($rows) = $code{'modules/chat/reply.h'} =~ /#define REPLY_ERRORS\(X\)(.*?)\n\n/s;
my %error;
$error{$2} = $1 while $rows =~ /X\(\w+, (\d+), "(\w+)"/g;

subtest 'every error_code is explained' => sub {
    my %row = $page{'docs/operate.md'} =~ /^\| `(\w+)` \| (\d{3})\b/mg;
    is_deeply(\%row, \%error, 'docs/operate.md: the codes and statuses of reply.h');
    my %faces_own = map { $_ => 1 } qw(model_not_found unknown_url);
    for my $code (grep { !$faces_own{$_} } sort keys %error) {
        ok(index($page{'README.md'}, "`$code`") >= 0, "README.md: $code");
    }
};

my %registered = map { $_ => 1 } $code{'modules/http/directives.c'} =~ /AP_INIT_\w+\(\s*"(Chatbot\w+)"/g;

subtest 'what is named is there' => sub {
    my %shown = map { ("Chatbot$_" => 1) } $code{'modules/http/status_section.c'} =~ /is_short, "(\w+)",/g;
    my %metric = map { $_ => 1 } $code{'modules/shm/metrics.h'} =~ /"(chatbot_\w+)"/g;
    my $tags = slurp('docs/log-messages.md');
    for my $page (@pages) {
        my $text = $page{$page};
        my %wrong;
        $wrong{$_}++ for grep { !$registered{$_} && !$shown{$_} && !/^ChatbotOutcome$/ } $text =~ /\b(Chatbot[A-Z]\w+)/g;
        $wrong{$_}++ for grep { $tags !~ /\b$_\b/ } $text =~ /\b(CHAT\d{4})\b/g;
        $wrong{$_}++ for grep { !$metric{$_} } $text =~ /\b(chatbot_\w+?)(?=[`{\s])/g;
        $wrong{$_}++ for grep { !-e && !-e "$_.c" && !-e "$_.h" } map { "modules/$_" }
            $text =~ m{`((?:base|shm|loop|aws|backend|chat|http|emulator)/\w+(?:\.[ch])?)`}g;
        $wrong{$_}++ for grep { !-e } $text =~ m{`((?:conf|docs|t|modules)/[\w./-]+\w)`}g;
        delete @wrong{qw(chatbot_module chatbot_json)};
        is_deeply([ sort keys %wrong ], [], "$page: directives, log tags, metrics and files that are named");
    }
    for my $room (map { m{^modules/(\w+)$} } glob('modules/*')) {
        like($page{'docs/architecture.md'}, qr{^  \Q$room\E/}m, "docs/architecture.md: the room $room");
    }
    my ($version) = $code{'modules/http/version.h'} =~ /#define CHATBOT_VERSION "([^"]+)"/;
    my ($newest) = $page{'docs/changes.md'} =~ /^## (\S+)/m;
    is($newest, $version, 'docs/changes.md begins with this version');
};

# ---- the table of directives ----

my %manual;
for my $section (split /^## /m, $page{'docs/directives.md'}) {
    my ($name) = $section =~ /^(Chatbot\w+)\n/ or next;
    my %row = $section =~ /^\| \*\*(\w+):\*\* \| (.*?) \|$/mg;
    $manual{$name} = \%row;
}

# A C expression as a number; times are in microseconds.
sub value_of {
    my ($expression) = @_;
    $expression =~ s/apr_time_from_sec\((\d+)\)/($1 * 1000000)/g;
    $expression =~ s/HTTP_REQUEST_TIME_OUT/408/;
    return $1 if $expression =~ /^"(.*)"$/;
    die "not a number: $expression" if $expression !~ /^[\d\s*()]+$/;
    return eval $expression;    ## no critic
}

# A value as the manual writes it, in the same unit.
sub meant_by {
    my ($text, $kind) = @_;
    my %second = ('' => 1, s => 1, min => 60, h => 3600);
    return $1 * $second{$2} * 1_000_000 if $kind eq 'time' && $text =~ /^(\d+)(s|min|h|)$/;
    return $1 * { '' => 1, k => 1024, m => 1048576 }->{$2} if $kind eq 'number' && $text =~ /^(\d+)([km]?)%?$/;
    return $text;
}

sub macro { my ($file, $name) = @_; return [ $file, qr/^#define $name +(.+?)(?: +\/\*.*)?$/m ] }

# Where the code has the default of each part of a directive: kind, file, and where in it.
my $CIRCUIT = qr/#define CONFIG_CIRCUIT_DEFAULT\b[^{]*\{\W*/;
my $TIME    = qr/apr_time_from_sec\(\d+\)/;
my %DEFAULT = (
    ChatbotAWSCredentials   => [ [ '', 'text', 'aws/credentials_settings.c', qr/choices\[\] = \{("\w+")/ ] ],
    ChatbotBackend          => [ [ '', 'kind', 'http/backend_config.c', qr/kind != BACKEND_UNSET \? \S+ : BACKEND_(\w+)/ ] ],
    ChatbotCircuitBreaker   => [
        [ 'errors=', 'number', 'http/config.h', qr/$CIRCUIT(\d+)/ ],
        [ 'min=',    'number', 'http/config.h', qr/$CIRCUIT\d+, (\d+)/ ],
        [ 'window=', 'time',   'http/config.h', qr/$CIRCUIT\d+, \d+, ($TIME)/ ],
        [ 'open=',   'time',   'http/config.h', qr/$CIRCUIT\d+, \d+, $TIME, ($TIME)/ ],
    ],
    ChatbotCompressMinSize  => [ [ '', 'number', @{ macro('http/config.c', 'DEFAULT_COMPRESS_MIN') } ] ],
    ChatbotMaxBody          => [ [ '', 'number', @{ macro('http/config.c', 'DEFAULT_MAX_BODY') } ] ],
    ChatbotMaxInFlight      => [ [ '', 'number', @{ macro('http/config.c', 'DEFAULT_MAX_IN_FLIGHT') } ] ],
    ChatbotMaxMessage       => [ [ '', 'number', @{ macro('http/config.c', 'DEFAULT_MAX_MESSAGE') } ] ],
    ChatbotMetricsInterval  => [ [ '', 'time', @{ macro('http/metrics_publish.c', 'DEFAULT_INTERVAL') } ] ],
    ChatbotMetricsNamespace => [ [ '', 'text', @{ macro('http/metrics_publish.c', 'DEFAULT_NAMESPACE') } ] ],
    ChatbotModelName        => [ [ '', 'text', 'http/backend_config.c', qr/->model_name : ("\w+")/ ] ],
    ChatbotRateLimit        => [
        [ '', 'number', 'http/limit.c', qr/default_rule = \{(\d+)/ ],
        [ '', 'time',   'http/limit.c', qr/default_rule = \{\d+, ($TIME)/ ],
    ],
    ChatbotRateLimitClients => [ [ '', 'number', @{ macro('http/config.c', 'DEFAULT_CLIENTS') } ] ],
    ChatbotRetry            => [
        [ 'attempts=', 'number', @{ macro('aws/retry.c', 'ATTEMPTS') } ],
        [ 'bucket=',   'number', @{ macro('aws/retry.h', 'RETRY_BUCKET_TOKENS') } ],
    ],
    ChatbotSessionHistory  => [ [ '', 'number', @{ macro('http/session_config.c', 'DEFAULT_HISTORY') } ] ],
    ChatbotSessionTTL      => [ [ '', 'time',   @{ macro('http/session_config.c', 'DEFAULT_TTL') } ] ],
    ChatbotStream          => [ [ '', 'flag',   'http/config.c', qr/return location->streams (!=|==) / ] ],
    ChatbotStreamHeartbeat => [ [ '', 'time',   @{ macro('http/config.c', 'DEFAULT_HEARTBEAT') } ] ],
    ChatbotTimeout         => [
        map { [ "$_=", 'time', @{ macro('http/config.c', 'DEFAULT_' . uc) } ] } qw(total connect first idle stream)
    ],
    ChatbotTimeoutStatus => [ [ '', 'number', @{ macro('http/config.c', 'DEFAULT_TIMEOUT_STATUS') } ] ],
    ChatbotTokenUsage    => [ [ '', 'flag',   'http/config.c', qr/return location->token_usage (!=|==) / ] ],
);

# Looked at below, in a server without a line of them.
my %SEEN = map { $_ => 1 } qw(ChatbotMetrics ChatbotRateLimitKey ChatbotCORS ChatbotCORSCredentials);

# Off: a list, a name or a flag is not there.
my %NOTHING = map { $_ => 1 } qw(ChatbotFileBucket ChatbotGuardrail ChatbotRateLimitShared ChatbotSystemPrompt);

sub code_value {
    my ($kind, $file, $where) = @_;
    my ($found) = $code{"modules/$file"} =~ $where or return "no longer where t/80-docs.t looks for it, in $file";
    return $found eq '!=' ? 'On' : 'Off' if $kind eq 'flag';    # unset is -1
    return lc $found if $kind eq 'kind';
    return value_of($found);
}

subtest 'the defaults of the manual are the code\'s' => sub {
    for my $name (sort keys %manual) {
        my ($said) = $manual{$name}{Default} =~ /^`$name (.+)`$/ or next;
        next if $SEEN{$name};
        if ($NOTHING{$name}) {
            is($said, 'Off', "$name: nothing is there");
            next;
        }
        my $parts = $DEFAULT{$name} or fail("$name: say in t/80-docs.t where the code has its default"), next;
        my @words = split ' ', $said;
        is(scalar @words, scalar @$parts, "$name: as many parts as the code has");
        for my $part (@$parts) {
            my ($prefix, $kind, @place) = @$part;
            my $word = shift @words // '';
            is($word =~ /^\Q$prefix\E(.*)$/ ? meant_by($1, $kind) : "$prefix?", code_value($kind, @place), "$name: $word");
        }
    }
};

subtest 'the contexts of the manual are the code\'s' => sub {
    my %global = map { $_ => 1 } $http_code =~ /^(?:static )?const char \*(\w+)\(cmd_parms(?:(?!^\}).)*GLOBAL_ONLY/gms;
    while ($code{'modules/http/directives.c'} =~ /AP_INIT_\w+\(\s*"(Chatbot\w+)",\s*(\w+),\s*NULL,\s*CONTEXT_(\w+)/g) {
        my ($name, $function, $context) = ($1, $2, $3);
        is($manual{$name}{Context},
            $context eq 'LOCATION'  ? 'server config, virtual host, directory (`<Location>`)'
            : $global{$function} ? 'server config'
            :                      'server config, virtual host',
            $name);
    }
};

# ---- what httpd is to be told ----

# All that the pages' examples use.
my @MODULES = qw(status filter deflate brotli remoteip auth_basic authn_core authn_file authz_user authz_host socache_shmcb
    socache_redis setenvif proxy proxy_http);

# Lines that name a file of the reader's machine, or load what is loaded.
my $NOT_HERE = qr{^\s*(?:LoadModule |Include |SSL|EmulatorListen )};

subtest 'examples of configuration pass httpd -t' => sub {
    my @there = grep { -e "$Chatbot::Httpd::LIBEXEC/mod_$_.so" } @MODULES;
    for my $block (map { blocks($_, 'apache') } @pages) {
        my $lines = join '', grep { !/$NOT_HERE/ } split /^/, $block->{text};
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, agent => 0, region => 0, quiet => 0,
            modules => \@there, chatbot => $lines, env => { AWS_REGION => 'us-east-1' });
        is($status, 0, $block->{name}) or diag($text);
    }
    my $defaults = join "\n", map { $_->{Default} =~ /^`(Chatbot\w+ .+)`$/ ? $1 : () } @manual{ sort keys %manual };
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, quiet => 0, modules => ['socache_shmcb'], chatbot => $defaults);
    is($status, 0, 'every default can be written down') or diag($text);
};

# ---- what is to be typed ----

# Not run here, and why.
my @NOT_RUN = (
    [ qr/^(?:[A-Z_]+=\S+ )*make(?: |$)/,        'makes and installs; the targets are looked up below' ],
    [ qr/^aws /,                                'needs an AWS account; t/80-iam-policy.t gives the same files to the stand-in' ],
    [ qr/^export AWS_/,                         'for the command behind it' ],
    [ qr{^curl .*/_emulator/},                  'the stand-in is asked like that by t/40-*.t' ],
    [ qr/^(?:sudo )?(?:apt-get|apt|dpkg|a2enmod|a2dismod|a2enconf|apachectl|apache2ctl|systemctl) /, 'changes the machine' ],
    [ qr/^(?:sudo )?(?:docker|podman) /,        'needs a container engine' ],
    [ qr/^(?:git|cd|mkdir|cp|ls|cat|ss|sed|printf|echo|jq|test|tar) /, 'moves about' ],
    [ qr{^(?:t|build)/},                        'a tool of this tree, which others run' ],
);
my %target = map { $_ => 1 } map { split ' ' } slurp('Makefile') =~ /^([a-z][a-z -]*):(?!=)/mg;

# Commands of a block; what goes on in the next line is one.
sub commands_of {
    my ($block) = @_;
    (my $text = $block->{text}) =~ s/\\\n\s*/ /g;
    return grep { /\S/ && !/^\s*#/ } split /\n/, $text;
}

sub is_for_us { my ($command) = @_; return $command =~ /^curl / && $command =~ m{http://127\.0\.0\.1:8000/} }

sub run {
    my ($server, $command) = @_;
    my $url = $server->url('/');
    $command =~ s{http://127\.0\.0\.1:8000/}{$url}g;
    my $text = `curl() { command curl --fail-with-body --max-time 20 "\$@"; }; $command 2>&1`;
    return ($?, $text);
}

my $server = Chatbot::Server->start(quiet => 0, modules => [qw(socache_shmcb status authz_host)], config => slurp('conf/chatbot.conf') . <<'CONF');
<Location "/server-status">
    SetHandler server-status
</Location>
CONF

subtest 'commands are run, or there is a reason why not' => sub {
    my $run = 0;
    for my $block (map { blocks($_, 'sh') } @pages) {
        for my $command (commands_of($block)) {
            if (is_for_us($command)) {
                my ($status, $text) = run($server, $command);
                ok($status == 0 && length $text, "$block->{name}: $command") or diag($text);
                $run++;
            } else {
                my ($reason) = map { $_->[1] } grep { $command =~ $_->[0] } @NOT_RUN;
                ok($reason, "$block->{name}: not run: $command: " . ($reason // 'run it here, or give a reason'));
                $command =~ s/^(?:[A-Z_]+=\S+ )*//;
                ok($target{$_}, "$block->{name}: the Makefile makes $_")
                    for $command =~ /^make (.+)/ ? grep { !/[=&;]/ } split(' ', $1 =~ s/ *[&;].*//r) : ();
            }
        }
    }
    cmp_ok($run, '>', 2, 'some are run');
};

# ---- defaults and sizes, as they are ----

subtest 'a server with nothing but its defaults' => sub {
    my $answer = $server->chat('hello', headers => { Origin => 'https://www.example.com' });
    is($answer->{status}, 200, 'chats');
    is($manual{ChatbotCORS}{Default}, '`ChatbotCORS Off`', 'ChatbotCORS Off');
    is($manual{ChatbotCORSCredentials}{Default}, '`ChatbotCORSCredentials Off`', 'ChatbotCORSCredentials Off');
    is_deeply([ grep { /^access-control/i } keys %{ $answer->{headers} } ], [], 'no header says otherwise');
    is($manual{ChatbotMetrics}{Default}, '`ChatbotMetrics cloudwatch`', 'ChatbotMetrics cloudwatch');
    like($server->request('GET', '/server-status?auto')->{body}, qr/^ChatbotLastDelivery: (?!off)/m, 'they are delivered');
    is($manual{ChatbotRateLimitKey}{Default}, '`ChatbotRateLimitKey %{REMOTE_ADDR}`', 'ChatbotRateLimitKey %{REMOTE_ADDR}');
    my ($before) = $answer->{headers}{ratelimit} =~ /r=(\d+)/;
    my ($after) = $server->chat('hello', headers => { 'X-Api-Key' => 'other' })->{headers}{ratelimit} =~ /r=(\d+)/;
    is($after, $before - 1, 'the address alone counts');
};

subtest 'the sizes of shared memory' => sub {
    my ($bytes) = $server->error_log =~ /CHAT0417: shared memory of (\d+) bytes/;
    my ($table) = $page{'docs/architecture.md'} =~ /^## Shared memory\n(.*?)^## /ms;
    my $sum = 0;
    $sum += tr/,//dr for $table =~ /^\| [\w ]+ \| ([\d,]+) \|/mg;
    cmp_ok($sum, '<', $bytes, 'docs/architecture.md: the parts are smaller than the whole');
    cmp_ok($bytes - $sum, '<', 1024, '… by its header');
    my $megabytes = sprintf '%.1f MB', $bytes / 1e6;
    like($table, qr/\b\Q$megabytes\E/, '… and the whole is named');
};

done_testing;
