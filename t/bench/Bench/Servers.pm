# The servers: the stand-in for AWS, an upstream that repeats one of its answers at once, mod_chatbot, and
# the peers that forward one signed request. Each is a Bench::Process; ->request gives load's arguments
# for one chat on it.
package Bench::Servers;

use strict;
use warnings;
use parent 'Bench::Process';
use Bench::Signature;
use File::Spec;
use JSON::PP ();

our $BUILD   = File::Spec->rel2abs($ENV{BUILD} || 'build');
our $HTTPD   = $ENV{HTTPD}      || '/usr/sbin/apache2';
our $LIBEXEC = $ENV{LIBEXECDIR} || '/usr/lib/apache2/modules';
our ($NGINX) = grep { -x } qw(/usr/sbin/nginx /usr/local/sbin/nginx /usr/bin/nginx);

my $KEY    = 'AKIAEMULATOREXAMPLE0';
my $SECRET = 'emulator-secret-key-for-local-use-only00';
my $PATH   = '/agents/AGENT12345/agentAliases/TSTALIASID/sessions/bench-0000000000/text';

my %static;    # modules that are compiled into httpd

sub _load_modules {
    %static = map { /mod_(\w+)\.c|(event)\.c/ ? ($1 // "mpm_$2" => 1) : () } `$HTTPD -l` if !%static;
    return join '', map { "LoadModule ${_}_module $LIBEXEC/mod_$_.so\n" } grep { !$static{$_} } @_;
}

# modules (names without mod_), config, threads, env, serves: the port that counts when it is not httpd's own.
sub _httpd {
    my ($class, $name, %o) = @_;
    my ($user, $group) = Bench::Process::account();
    my $account = $user ? "User $user\nGroup $group\n" : '';
    my $threads = $o{threads} || 25;
    my $modules = _load_modules(qw(mpm_event unixd authz_core log_config), @{ $o{modules} });
    my $dir  = Bench::Process::folder();
    my $port = Bench::Process::free_port();
    return $class->start(name => $name, port => $o{serves} // $port, dir => $dir, env => $o{env},
        command => [ $HTTPD, '-DFOREGROUND', '-f', "$dir/config" ], config => <<"CONF");
ServerName 127.0.0.1
ServerRoot $dir
DefaultRuntimeDir $dir
PidFile $dir/httpd.pid
ErrorLog $dir/error_log
LogLevel warn
Listen 127.0.0.1:$port
ListenBacklog 4096
$modules$account
ServerLimit 1
StartServers 1
ThreadLimit $threads
ThreadsPerChild $threads
MaxRequestWorkers $threads
MinSpareThreads 1
MaxSpareThreads $threads
AsyncRequestWorkerFactor 400
KeepAliveTimeout 30
MaxKeepAliveRequests 0
$o{config}
CONF
}

sub stand_in {
    my ($class) = @_;
    my $port = Bench::Process::free_port();
    return $class->_httpd('stand-in', serves => $port, config => <<"CONF");
LoadModule aws_emulator_module "$BUILD/mod_aws_emulator.so"
EmulatorListen 127.0.0.1:$port
EmulatorAccessKey $KEY $SECRET
CONF
}

# What the stand-in says to the one chat, from then on at once and for a tenth of its CPU time.
sub upstream {
    my ($class, $stand_in) = @_;
    my $dir  = Bench::Process::folder();
    my $port = Bench::Process::free_port();
    return $class->start(name => 'direct', port => $port, dir => $dir, config => $stand_in->_recorded,
        command => [ "$BUILD/t/bench/upstream", '-p', $port, "$dir/config" ]);
}

sub chatbot {
    my ($class, $upstream) = @_;
    my $off = join '', map { "<IfDirective $$_[0]>\n$$_[0] $$_[1]\n</IfDirective>\n" }
        ([ ChatbotRateLimit => 'Off' ], [ ChatbotMetrics => 'Off' ], [ ChatbotSessionStore => 'none' ]);
    my $self = $class->_httpd(
        'mod_chatbot',
        env    => { AWS_ACCESS_KEY_ID => $KEY, AWS_SECRET_ACCESS_KEY => $SECRET, AWS_EC2_METADATA_DISABLED => 'true' },
        config => <<"CONF");
LoadModule chatbot_module "$BUILD/mod_chatbot.so"
$off
ChatbotAWSRegion us-east-1
ChatbotAWSEndpoint * http://127.0.0.1:$upstream->{port}
ChatbotAgent AGENT12345 TSTALIASID
<Location "/chat">
    SetHandler chatbot
</Location>
CONF
    $self->{is_chat} = 1;
    return $self;
}

sub proxy {
    my ($class, $upstream, %o) = @_;
    return $class->_httpd('mod_proxy_http', threads => $o{threads}, modules => [qw(proxy proxy_http)],
        config => qq(ProxyPass "/agents" "http://127.0.0.1:$upstream->{port}/agents"\n));
}

sub nginx {
    my ($class, $upstream) = @_;
    my ($user, $group) = Bench::Process::account();
    my $account = $user ? "user $user $group;" : '';
    my $dir  = Bench::Process::folder();
    my $port = Bench::Process::free_port();
    my $temporary = join "\n    ", map { "${_}_temp_path $dir/$_;" } qw(client_body proxy fastcgi uwsgi scgi);
    return $class->start(name => 'nginx', port => $port, dir => $dir,
        command => [ $NGINX, '-p', $dir, '-e', "$dir/error_log", '-c', "$dir/config" ], config => <<"CONF");
daemon off;
$account
worker_processes 1;
worker_rlimit_nofile 16384;
pid $dir/nginx.pid;
error_log $dir/error_log warn;
events {
    worker_connections 16384;
}
http {
    access_log off;
    keepalive_timeout 30s;
    keepalive_requests 100000000;
    $temporary
    upstream aws {
        server 127.0.0.1:$upstream->{port};
        keepalive 256;
        keepalive_requests 100000000;
    }
    server {
        listen 127.0.0.1:$port backlog=4096;
        location / {
            proxy_pass http://aws;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host 127.0.0.1:$upstream->{port};
        }
    }
}
CONF
}

# What load sends, signed anew. `upstream` is what the server is in front of; with `delay`
# (milliseconds) the stand-in answers that much later.
sub request {
    my ($self, $upstream, $delay) = @_;
    my $text = $delay ? "{{delay $delay}} Hello" : 'Hello';
    return qq(POST /chat {"message":"$text"}) if $self->{is_chat};
    # As the module's own request: traces carry the count of tokens.
    my $body = qq({"inputText":"$text","enableTrace":true});
    my @headers = Bench::Signature::headers(key => $KEY, secret => $SECRET, host => "127.0.0.1:$upstream->{port}",
        path => $PATH, body => $body);
    return ((map { (-H => $_) } @headers), "POST $PATH $body");
}

# The bytes of one answer; `request` is whole.
sub _ask {
    my ($self, $request) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) or die "the stand-in is gone\n";
    print $socket $request;
    shutdown($socket, 1);
    local $/ = undef;
    return <$socket> // '';
}

sub _recorded {
    my ($self) = @_;
    my @arguments = $self->request($self);
    my ($method, $path, $body) = split ' ', pop @arguments, 3;
    my @headers = ("Host: 127.0.0.1:$self->{port}", 'Content-Type: application/json', 'Content-Length: ' . length $body,
        grep { $_ ne '-H' } @arguments);
    my $answer = $self->_ask(join "\r\n", "$method $path HTTP/1.1", @headers, '', $body);
    die "the stand-in refused a chat:\n$answer\n" if $answer !~ m{^HTTP/1\.1 200 };
    return $answer;
}

# Calls that the stand-in holds at this moment.
sub in_progress {
    my ($self) = @_;
    my ($body) = $self->_ask("GET /_emulator/state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") =~ /\r\n\r\n(.*)/s;
    return JSON::PP->new->decode($body)->{operations}{InvokeAgent}{in_progress};
}

1;
