# A server under measurement: started in a folder of its own, stopped by its process id, its CPU time and
# memory read from the kernel with those of all its children.
package Bench::Process;

use strict;
use warnings;
use Carp qw(croak);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(clock_gettime sleep time);

my %running;    # process id => object

$SIG{$_} = sub { exit 130 } for qw(HUP INT TERM);

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/ = undef;
    return <$file> // '';
}

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or croak "no free port: $@";
    return $socket->sockport;
}

# The account that servers started as root drop to; nothing when that is not needed.
sub account {
    return if $> != 0;
    for my $name (qw(www-data nobody)) {
        my ($user, $group) = (getpwnam($name))[ 0, 3 ];
        return ($user, scalar getgrgid($group)) if defined $user;
    }
    croak 'neither www-data nor nobody is a user here';
}

sub folder {
    my $dir = tempdir('chatbot-bench-XXXXXX', TMPDIR => 1);
    chmod(0755, $dir);
    return $dir;
}

# name, port, dir, command (which stays in the foreground), config (its text, for dir/config), env.
sub start {
    my ($class, %option) = @_;
    my $self = bless {%option}, $class;
    open(my $file, '>', "$self->{dir}/config") or croak "$self->{dir}/config: $!";
    print $file $self->{config};
    close($file) or croak "$self->{dir}/config: $!";
    $self->_launch;
    my $deadline = time() + 15;
    until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port})) {
        croak "$self->{name} did not start:\n" . $self->_said if $self->_exited || time() > $deadline;
        sleep 0.02;
    }
    return $self;
}

sub _launch {
    my ($self) = @_;
    my $pid = fork() // croak "fork: $!";
    if ($pid == 0) {
        %ENV = (PATH => $ENV{PATH}, %{ $self->{env} || {} });
        open(STDIN,  '<', '/dev/null');
        open(STDOUT, '>', "$self->{dir}/output");
        open(STDERR, '>&', \*STDOUT);
        setpgrp(0, 0);
        # Not to outlive a bench that is killed.
        my @guard = -x '/usr/bin/setpriv' ? qw(/usr/bin/setpriv --pdeathsig TERM) : ();
        exec('/bin/sh', '-c', 'ulimit -n "$(ulimit -H -n)"; exec "$@"', 'sh', @guard, @{ $self->{command} })
            or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    $running{$pid} = $self;
    return;
}

sub _said { my ($self) = @_; return slurp("$self->{dir}/output") . slurp("$self->{dir}/error_log") }

sub _exited {
    my ($self) = @_;
    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    delete $running{ delete $self->{pid} };
    return 1;
}

sub stop {
    my ($self) = @_;
    my $deadline = time() + 5;
    kill('TERM', $self->{pid}) if $self->{pid};
    until ($self->_exited) {
        sleep 0.01;
        # Its own process group: the server and its children.
        kill('KILL', -$self->{pid}) if time() > $deadline;
    }
    remove_tree($self->{dir});
    return;
}

END {
    my $status = $?;
    $_->stop for values %running;
    $? = $status;
}

sub name { return $_[0]{name} }
sub port { return $_[0]{port} }

sub _with_children {
    my ($pid) = @_;
    return ($pid, map { _with_children($_) } split ' ', slurp("/proc/$pid/task/$pid/children"));
}

sub processes {
    my ($self) = @_;
    croak "$self->{name} ended:\n" . $self->_said if $self->_exited;
    return _with_children($self->{pid});
}

# User and system time of all its processes, ended threads included. The clock of another process's CPU
# time counts nanoseconds, where /proc/pid/stat counts 10 ms; its number is made as clock_getcpuclockid(3)
# does: the complement of the process id, shifted by three, and 2 for the scheduler's time.
sub cpu_seconds {
    my ($self) = @_;
    my $sum = 0;
    $sum += clock_gettime(-8 * ($_ + 1) + 2) for $self->processes;
    return $sum;
}

# Proportional set size of all its processes: pages they share are counted once.
sub memory_kib {
    my ($self) = @_;
    my $sum = 0;
    for my $pid ($self->processes) {
        slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+) kB/m or croak "no smaps_rollup of process $pid: $!";
        $sum += $1;
    }
    return $sum;
}

1;
