# A private httpd in a folder of its own under the system's temporary one, gone at the end of the test.
# It runs as root (its children as another user) and as anybody else. BUILD, HTTPD, LIBEXECDIR and
# SANITIZER come from the Makefile.
package Chatbot::Httpd;

use strict;
use warnings;
use Carp qw(croak);
use File::Path qw(remove_tree);
use File::Spec;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More ();
use Time::HiRes qw(time sleep);
use Chatbot::Client;

our $BUILD   = File::Spec->rel2abs($ENV{BUILD} || 'build');
our $HTTPD   = $ENV{HTTPD}      || '/usr/sbin/apache2';
our $LIBEXEC = $ENV{LIBEXECDIR} || '/usr/lib/apache2/modules';

# A line like these in an error log fails the test.
our $CRASH = qr/exit signal|ERROR: (?:Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|[Aa]ssertion/;

# In a stop at once the MPMs close their listeners and the sockets of their busy threads without a lock: a
# report of a descriptor that httpd itself closes, none of our functions below, is httpd's.
my $OWN_CLOSE = qr/^WARNING:\ ThreadSanitizer:\ data\ race[^\n]*\n[^\n]*\n
    \ *\#0\ close\ [^\n]*\n\ *\#1\ <null>\ <null>\ \(libapr-1[^\n]*\n\n.*?^SUMMARY:[^\n]*\n/msx;

my %running;    # pid of httpd => object, in this process

$SIG{INT} = $SIG{TERM} = sub { exit 1 };

# Free ports of the loopback interface.
sub free_ports {
    my ($count) = @_;
    my @sockets = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) || croak "no port: $@" }
        1 .. $count;
    return map { $_->sockport } @sockets;
}

# Waits until `condition` is true, looking every 10 ms; its value, or '' when time is up.
sub wait_for {
    my ($seconds, $condition) = @_;
    my $deadline = time() + $seconds * ($ENV{SANITIZER} ? 3 : 1);
    while (1) {
        my $value = $condition->();
        return $value if $value;
        return '' if time() > $deadline;
        sleep 0.01;
    }
}

sub _slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/ = undef;
    return <$file> // '';
}

sub _write {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or croak "$path: $!";
    print $file $text;
    close($file) or croak "$path: $!";
    return;
}

sub _mpm_config {
    my ($o) = @_;
    my $all = $o->{threads} * $o->{children};
    return <<"CONF" if $o->{mpm} eq 'prefork';
StartServers $all
MinSpareServers 1
MaxSpareServers 100
MaxRequestWorkers $all
CONF
    my $async = $o->{mpm} eq 'event' ? "AsyncRequestWorkerFactor $o->{factor}\n" : '';
    return <<"CONF";
ServerLimit 16
StartServers $o->{children}
ThreadsPerChild $o->{threads}
ThreadLimit $o->{threads}
MinSpareThreads 1
MaxSpareThreads 10000
MaxRequestWorkers $all
$async
CONF
}

# The user httpd's children run as when it is started as root.
sub unprivileged_user {
    for my $name (qw(www-data nobody)) {
        my ($user, $group) = (getpwnam($name))[ 0, 3 ];
        return ($user, scalar getgrgid($group)) if defined $user;
    }
    croak 'neither www-data nor nobody is a user here';
}

sub _config {
    my ($self) = @_;
    my $o = $self->{option};
    my %static = map { /^\s*mod_(\w+)\.c|^\s*(event|worker|prefork)\.c/ ? ($1 // "mpm_$2" => 1) : () } `$HTTPD -l`;
    my @modules = ("mpm_$o->{mpm}", qw(unixd authz_core log_config mime dir alias env headers reqtimeout),
        @{ $o->{modules} });
    my $load = join '', map { "LoadModule ${_}_module \"$LIBEXEC/mod_$_.so\"\n" } grep { !$static{$_} } @modules;
    my $user = $> == 0 ? sprintf("User %s\nGroup %s\n", unprivileged_user()) : '';
    my $mpm  = _mpm_config($o);
    return <<"CONF";
ServerName 127.0.0.1
ServerRoot $self->{dir}
DefaultRuntimeDir $self->{dir}
PidFile $self->{dir}/httpd.pid
ErrorLog $self->{dir}/error_log
LogLevel $o->{log_level}
Listen 127.0.0.1:$self->{port}
ListenBacklog 8192
EnableSendfile Off
$load$user$mpm
KeepAlive On
KeepAliveTimeout 10
MaxKeepAliveRequests 0
Timeout 30
GracefulShutdownTimeout 20
<IfModule reqtimeout_module>
    RequestReadTimeout header=20-40,minrate=500 body=20,minrate=500
</IfModule>
TypesConfig $self->{dir}/mime.types
DocumentRoot $self->{dir}/htdocs
CustomLog $self->{dir}/access_log "%h %m %U %>s %O %X %{chatbot-request-id}n %{chatbot-outcome}n"
$o->{config}
CONF
}

# Options: mpm (event), threads a child (25), children (1), factor (AsyncRequestWorkerFactor), modules
# (names without mod_), config (text; a code reference gets the object, to know the ports), env, ports
# (how many beside the main one), log_level.
sub start {
    my ($class, %option) = @_;
    for my $attempt (1 .. 5) {
        my $self = $class->prepare(%option);
        $self->_launch;
        return $self if $self->_ready;
        my $log = $self->error_log;
        $self->_kill;
        next if $log =~ /Address already in use/ && $attempt < 5;
        croak "httpd did not start:\n" . $log . _slurp("$self->{dir}/output");
    }
}

# Everything but the process: for configtest().
sub prepare {
    my ($class, %option) = @_;
    %option = (mpm => 'event', threads => 25, children => 1, factor => 400, modules => [], config => '',
        env => {}, ports => 0, log_level => 'info', %option);
    my $self = bless { option => \%option, owner => $$ }, $class;
    $self->{dir} = tempdir('chatbot-test-XXXXXX', TMPDIR => 1);
    chmod(0755, $self->{dir});
    ($self->{port}, @{ $self->{ports} }) = free_ports(1 + $option{ports});
    mkdir "$self->{dir}/htdocs";
    _write("$self->{dir}/htdocs/page.html", "<p>a page\n");
    _write("$self->{dir}/htdocs/large.txt", "0123456789abcde\n" x 65536);
    _write("$self->{dir}/mime.types", "text/html html\ntext/plain txt\n");
    $option{config} = $option{config}->($self) if ref $option{config};
    _write("$self->{dir}/httpd.conf", $self->_config);
    return $self;
}

sub _environment {
    my ($self) = @_;
    my %kept = map { $_ => $ENV{$_} } grep { /^(?:PATH|LANG|TZ|GCOV_PREFIX|\w+SAN_OPTIONS)$/ } keys %ENV;
    if (grep { $_ eq 'ssl' } @{ $self->{option}{modules} }) {
        ($kept{LSAN_OPTIONS} //= '') =~ s{lsan\.supp}{lsan-ssl.supp};
        # Slower, but whole: without it a leak of mod_ssl's does not show mod_ssl, nor one of ours us.
        $kept{ASAN_OPTIONS} .= ':fast_unwind_on_malloc=0' if $kept{ASAN_OPTIONS};
    }
    return (%kept, %{ $self->{option}{env} });
}

# httpd itself is not built with the sanitizer, so its library must come first.
sub _command {
    my $libraries = { asan => ['libasan.so'], tsan => [ 'libtsan.so', "$BUILD/t/preload/apr_atomic.so" ] };
    my $wanted = $libraries->{ $ENV{SANITIZER} || '' } or return $HTTPD;
    chomp(my @paths = map { `gcc -print-file-name=$_` } @$wanted);
    return ('env', 'LD_PRELOAD=' . join(':', @paths), $HTTPD);
}

sub _launch {
    my ($self) = @_;
    my %environment = $self->_environment;
    my @command = _command();
    my $pid = fork() // croak "fork: $!";
    if ($pid == 0) {
        %ENV = %environment;
        open(STDIN,  '<', '/dev/null');
        open(STDOUT, '>', "$self->{dir}/output");
        open(STDERR, '>&', \*STDOUT);
        setpgrp(0, 0);
        # httpd must not outlive a test that is killed.
        my @guard = -x '/usr/bin/setpriv' ? qw(/usr/bin/setpriv --pdeathsig TERM) : ();
        # A chat in flight is two descriptors.
        exec('/bin/sh', '-c', 'ulimit -n "$(ulimit -H -n)"; exec "$@"', 'sh', @guard, @command, '-DFOREGROUND', '-f',
            "$self->{dir}/httpd.conf") or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    $running{$pid} = $self;
    return;
}

sub exited {
    my ($self) = @_;
    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    $self->{exit_status} = $?;
    delete $running{ delete $self->{pid} };
    return 1;
}

sub _answers {
    my ($port) = @_;
    my $client = eval { Chatbot::Client->new(port => $port, timeout => 10) } or return 0;
    return $client->request('GET', '/_ready', headers => { Connection => 'close' })->{status};
}

sub _ready {
    my ($self) = @_;
    my $state = wait_for(20, sub { $self->exited ? 'exited' : _answers($self->{port}) });
    return $state && $state ne 'exited';
}

# What `httpd -t` says: (exit status, text).
sub configtest {
    my ($class, %option) = @_;
    my $self = $class->prepare(%option);
    my %environment = $self->_environment;
    my $command = join ' ', _command();
    local %ENV = %environment;
    my $text = `$command -t -f $self->{dir}/httpd.conf 2>&1`;
    my $status = $? >> 8;
    $text .= $self->error_log;
    remove_tree($self->{dir});
    return ($status, $text);
}

sub pid  { return $_[0]{pid} }
sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }
sub url  { my ($self, $path) = @_; return "http://127.0.0.1:$self->{port}" . ($path // '/') }

sub error_log  { return _slurp("$_[0]{dir}/error_log") }
sub access_log { return _slurp("$_[0]{dir}/access_log") }

# Pids of the child processes that live now.
sub children {
    my ($self) = @_;
    return split ' ', _slurp("/proc/$self->{pid}/task/$self->{pid}/children");
}

sub client {
    my ($self, %option) = @_;
    return Chatbot::Client->new(port => $self->{port}, %option);
}

# One request on a connection of its own.
sub request {
    my ($self, $method, $path, %option) = @_;
    $option{headers} = { Connection => 'close', %{ $option{headers} || {} } };
    return $self->client->request($method, $path, %option);
}

# A graceful restart; returns when the new generation has taken over.
sub graceful {
    my ($self) = @_;
    my $resumed = sub { return scalar(() = $self->error_log =~ /resuming normal operations/g) };
    my $before = $resumed->();
    kill('USR1', $self->{pid});
    return wait_for(20, sub { $resumed->() > $before });
}

sub _kill {
    my ($self) = @_;
    if (!$self->exited) {
        kill('KILL', -$self->{pid});
        waitpid($self->{pid}, 0);
        delete $running{ delete $self->{pid} };
    }
    return;
}

# Children that the test itself is going to kill are no crash.
sub expect_killed { $_[0]{killed} = 1; return }

# Connections that clients have to it.
sub _connections {
    my ($self) = @_;
    my $local = sprintf '0100007F:%04X', $self->{port};
    return grep { /^\s*\d+: $local \S+ 0[1458] / } split /\n/, _slurp('/proc/net/tcp');
}

# The event and worker MPMs, told to stop at once, close the sockets of their threads while one may be
# destroying its connection's pool, and crash: connections that are ending are given time for it.
sub _let_connections_end {
    my ($self) = @_;
    my $quiet = 0;
    wait_for(0.3, sub { $quiet = $self->_connections ? 0 : $quiet + 1; return $quiet > 1 });
    return;
}

# Stops it (TERM, or WINCH for gracefully); false when it had to be killed or crashed.
sub stop {
    my ($self, $signal) = @_;
    return 1 if !$self->{pid};
    $self->_let_connections_end;
    kill($signal || 'TERM', $self->{pid});
    my $stopped = wait_for(25, sub { $self->exited });
    my $death = $stopped ? $self->{exit_status} & 127 : 0;
    $self->_kill;
    my $log = $self->error_log . _slurp("$self->{dir}/output");
    $log =~ s/$OWN_CLOSE//g;
    my @lines = split /\n/, $log;
    my @crashes = grep { $lines[$_] =~ /$CRASH/ && !($self->{killed} && $lines[$_] =~ /exit signal Killed/) } 0 .. $#lines;
    Test::More::diag("httpd did not stop") if !$stopped;
    Test::More::diag("httpd itself ended by signal $death") if $death;
    Test::More::diag("in httpd's log: $_") for @crashes ? grep { defined } @lines[ $crashes[0] .. $crashes[0] + 40 ] : ();
    $self->{stopped_well} = $stopped && !$death && !@crashes;
    return $self->{stopped_well};
}

# The same as a test of its own.
sub stop_ok {
    my ($self, $name) = @_;
    return Test::More::ok($self->stop, $name || 'httpd stops, no crash in its log');
}

sub DESTROY {
    my ($self) = @_;
    return if ($self->{owner} // 0) != $$;
    remove_tree($self->{dir}) if !$ENV{KEEP};
    return;
}

END {
    my $status = $?;
    for my $self (grep { $_->{owner} == $$ } values %running) {
        if ($status != 0) {
            my @lines = grep { !/:info\]/ } split /\n/, $self->error_log;
            Test::More::diag($_) for 'the end of the error log:', @lines[ ($#lines > 30 ? -30 : 0) .. -1 ];
        }
        $self->stop or $status ||= 1;
    }
    %running = ();
    $? = $status;
}

1;
