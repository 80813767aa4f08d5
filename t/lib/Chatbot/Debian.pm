# Debian systems in folders of their own, as bare as debootstrap makes them, for tests of what is installed
# where. Each command runs in namespaces of its own: what it mounts and starts ends with it.
package Chatbot::Debian;

use strict;
use warnings;
use Carp qw(croak);
use File::Temp qw(tempdir);
use POSIX ();
use Chatbot::Httpd;

our $RELEASE = 'bookworm';

my $folder;         # of all systems of this process
my $owner = $$;
my %running;        # pid of unshare => 1

# "uri release component" of each part of the release that this machine's apt knows.
sub _sources {
    my %seen;
    return grep { /^\S+ $RELEASE\b/ && !$seen{$_}++ }
        split /\n/, `apt-get indextargets --format '\$(REPO_URI) \$(RELEASE) \$(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null`;
}

sub _mirror {
    my ($main) = grep { / $RELEASE main$/ } _sources();
    return ($main // '') =~ /^(\S+)/ ? $1 : undef;
}

# Why there can be none here; '' when there can.
sub missing {
    return 'not root' if $> != 0;
    for my $command (qw(apt-get chroot curl debootstrap mount setpriv unshare)) {
        return "no $command" if system("command -v $command >/dev/null 2>&1") != 0;
    }
    return 'no right to unshare namespaces' if system('unshare --mount --pid --fork true 2>/dev/null') != 0;
    my $mirror = _mirror() or return "apt knows no mirror of Debian $RELEASE (apt-get update)";
    return system("curl -sfo /dev/null --max-time 20 '${mirror}dists/$RELEASE/Release'") == 0 ? '' : 'the Debian mirror cannot be reached';
}

sub _write {
    my ($path, $text, $mode) = @_;
    open(my $file, '>', $path) or croak "$path: $!";
    print $file $text;
    close($file) or croak "$path: $!";
    chmod($mode, $path) if $mode;
    return;
}

sub _copy_of_file {
    my ($from, $to) = @_;
    return system('cp', '-L', '--', $from, $to) == 0;
}

# The system that the others are copies of.
sub _base {
    return "$folder/base" if $folder;
    $folder = tempdir('chatbot-debian-XXXXXX', DIR => '/var/tmp');
    chmod(0755, $folder);
    my $base = "$folder/base";
    my $mirror = _mirror();
    my $log = `debootstrap --variant=minbase $RELEASE '$base' '$mirror' 2>&1`;
    croak "debootstrap: $log" if $? != 0;
    _write("$base/etc/apt/sources.list", join '', map { "deb $_\n" } _sources());
    # No service is started, as in any container; and no time is lost on making files durable.
    _write("$base/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0755);
    _write("$base/etc/dpkg/dpkg.cfg.d/test", "force-unsafe-io\n");
    _copy_of_file($_, "$base$_") for qw(/etc/resolv.conf /etc/hosts);
    return $base;
}

# One more system.
sub new {
    my ($class, $name) = @_;
    my $base = _base();
    system('cp', '-a', $base, "$folder/$name") == 0 or croak "cp -a $base $folder/$name failed";
    return bless { path => "$folder/$name" }, $class;
}

sub path { return $_[0]{path} }

# What to execute for a command in it: env (all of it), user, folder, read_only (but for these folders).
sub _command {
    my ($self, $command, %option) = @_;
    my $path = $self->{path};
    my @mounts = ('mount -t proc proc "$R/proc"');
    if ($option{read_only}) {
        my ($uid, $gid) = split /:/, $option{user} // '0:0';
        @mounts = (
            'mount --bind "$R" "$R"',
            (map { qq(mount -t tmpfs -o mode=755,uid=$uid,gid=$gid tmpfs "\$R$_") } @{ $option{read_only} }),
            @mounts, 'mount -o remount,bind,ro "$R"',
        );
    }
    my $user = defined $option{user} ? "--userspec=$option{user} --groups=" : '';
    my %env = (PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', %{ $option{env} || {} });
    my @inside = ('sh', '-c', 'cd "$0" && exec "$@"', $option{folder} // '/', @$command);
    return ('env', "R=$path", 'unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c',
        join(' && ', @mounts, qq(exec chroot $user "\$R" env -i "\$@")), 'sh', (map { "$_=$env{$_}" } sort keys %env), @inside);
}

# Runs a command (words, or one string for its shell) to its end; (status, what it printed).
sub run {
    my ($self, $command, %option) = @_;
    my @command = $self->_command(ref $command ? $command : [ 'sh', '-c', $command ], %option);
    my $pid = open(my $output, '-|') // croak "fork: $!";
    if ($pid == 0) {
        open(STDIN, '<', '/dev/null');
        open(STDERR, '>&', \*STDOUT);
        exec(@command) or POSIX::_exit(127);
    }
    local $/ = undef;
    my $text = <$output> // '';
    close($output);
    return ($? >> 8, $text);
}

# The same; what it printed when it went well, else the test fails and shows it.
sub run_ok {
    my ($self, $command, $name, %option) = @_;
    my ($status, $text) = $self->run($command, %option);
    Test::More::is($status, 0, $name) or Test::More::diag($text);
    return $text;
}

# Starts a command with its output in two files of that user's; the object says when it is over.
sub start {
    my ($self, $command, %option) = @_;
    my %self = (map { $_ => "$self->{path}.$_" } qw(stdout stderr));
    my ($uid, $gid) = split /:/, $option{user} // '0:0';
    _write($self{$_}, ''), chown($uid, $gid, $self{$_}) for qw(stdout stderr);
    my @command = $self->_command($command, %option);
    my $pid = fork() // croak "fork: $!";
    if ($pid == 0) {
        open(STDIN, '<', '/dev/null');
        open(STDOUT, '>>', $self{stdout});
        open(STDERR, '>>', $self{stderr});
        exec(@command) or POSIX::_exit(127);
    }
    $running{$pid} = 1;
    return bless { %self, pid => $pid }, 'Chatbot::Debian::Process';
}

END {
    if ($$ == $owner) {
        my $status = $?;
        for my $pid (keys %running) {
            kill('KILL', $pid);
            waitpid($pid, 0);
        }
        system('rm', '-rf', '--one-file-system', '--', $folder) if $folder && !$ENV{KEEP};
        $? = $status;
    }
}

package Chatbot::Debian::Process;

use strict;
use warnings;

# What it wrote to a stream.
sub output { my ($self, $stream) = @_; return Chatbot::Httpd::_slurp($self->{$stream}) }

# The pid, as seen from outside, of the process that is the first one inside.
sub first { my ($self) = @_; return (split ' ', Chatbot::Httpd::_slurp("/proc/$self->{pid}/task/$self->{pid}/children"))[0] }

# Its exit status once it is over, else undef.
sub status {
    my ($self) = @_;
    if (!defined $self->{status} && waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
        $self->{status} = $?;
        delete $running{ $self->{pid} };
    }
    return $self->{status};
}

# Sends the signal to the first process inside; its exit status, or undef when it does not end in time.
sub stop {
    my ($self, $signal, $seconds) = @_;
    kill($signal, $self->first // return $self->status);
    Chatbot::Httpd::wait_for($seconds // 20, sub { defined $self->status });
    return $self->status;
}

1;
