#!/usr/bin/perl
# The stand-in convinces AWS's own SDK for Python: emulator_boto3.py does the asking. It has an httpd
# of its own here, in a temporary directory and on free ports.
use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin qw($Bin);
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my $root   = "$Bin/../..";
my $build  = $ENV{BUILD} // 'build';
my $module = ($build =~ m{^/} ? $build : "$root/$build") . '/mod_aws_emulator.so';

sub skip_all {
    my ($why) = @_;
    print "1..1\nok 1 - boto3 against the stand-in # SKIP $why\n";
    exit 0;
}

# A python whose boto3 knows the service.
sub find_python {
    my $probe = 'import boto3; boto3.client("bedrock-agent-runtime", region_name="us-east-1")';
    for my $python (grep { defined } $ENV{PYTHON}, 'python3', '/usr/bin/python3') {
        return $python if system("$python -c '$probe' >/dev/null 2>&1") == 0;
    }
    return;
}

sub find_program {
    my ($apxs) = grep { -x } qw(/usr/bin/apxs2 /usr/bin/apxs /usr/local/apache2/bin/apxs);
    chomp(my $httpd   = $ENV{HTTPD} // ($apxs ? `$apxs -q sbindir` . '' : ''));
    chomp(my $modules = $apxs       ? `$apxs -q LIBEXECDIR` : '');
    if (!-f $httpd) {
        ($httpd) = grep { -x } "$httpd/apache2", "$httpd/httpd";
    }
    return ($httpd, $modules);
}

# Held together, so that they differ.
sub free_ports {
    my ($count) = @_;
    my @sockets = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) } 1 .. $count;
    return map { $_->sockport } @sockets;
}

sub write_config {
    my ($dir, $modules, $web, $emulator) = @_;
    my $user = $> == 0 ? "User nobody\nGroup nogroup\n" : '';
    my $load = join '', map { -f "$modules/mod_$_.so" ? "LoadModule ${_}_module $modules/mod_$_.so\n" : '' }
        qw(mpm_event unixd authz_core);
    open my $out, '>', "$dir/httpd.conf" or die "$dir/httpd.conf: $!";
    print $out <<"END";
ServerName localhost
ServerRoot $dir
DefaultRuntimeDir $dir
PidFile $dir/httpd.pid
ErrorLog $dir/error.log
LogLevel info
${load}LoadModule aws_emulator_module $module
${user}Listen 127.0.0.1:$web
EmulatorListen 127.0.0.1:$emulator
EmulatorAccessKey AKIAEMULATOREXAMPLE0 emulator-secret-key-for-local-use-only00
EmulatorAccessKey ASIATEMPORARY0000000 temporary-secret token/of+the=session
END
    close $out or die "$dir/httpd.conf: $!";
    return;
}

sub wait_for_port {
    my ($port, $pid) = @_;
    my $end = time + 30;
    while (time < $end) {
        return 1 if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        return 0 if waitpid($pid, 1) != 0;
        sleep 0.05;
    }
    return 0;
}

my $python = find_python() or skip_all('no python3 here has a boto3 with bedrock-agent-runtime');
my ($httpd, $modules) = find_program();
skip_all('there is no httpd here') if !$httpd;

my $dir = tempdir(CLEANUP => 1);
my ($web, $emulator) = free_ports(2);
write_config($dir, $modules, $web, $emulator);

my $pid = fork // die "fork: $!";
if ($pid == 0) {
    exec $httpd, '-d', $dir, '-f', "$dir/httpd.conf", '-DFOREGROUND' or die "$httpd: $!";
}
my $failed = 1;
if (wait_for_port($emulator, $pid)) {
    $failed = system $python, '-B', "$Bin/emulator_boto3.py", "http://127.0.0.1:$emulator";
}
kill 'TERM', $pid;
waitpid $pid, 0;
if ($failed && open my $log, '<', "$dir/error.log") {
    print {*STDERR} "# $_" while <$log>;
}
exit($failed ? 1 : 0);
