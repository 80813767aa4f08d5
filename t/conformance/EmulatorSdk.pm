package EmulatorSdk;

# What the scripts share that drive the stand-in with an SDK of AWS: a stand-in of their own, and the
# program that does the asking and prints TAP.
use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Spec;
use Chatbot::Emulator;

our @EXPORT = qw(skip_all find_python find_pythons ask_with ask_each);

our $HERE = dirname(File::Spec->rel2abs(__FILE__));

# A configured key with a session token.
our $TEMPORARY_KEY = 'EmulatorAccessKey ASIATEMPORARY0000000 temporary-secret token/of+the=session';

sub skip_all {
    my ($what, $why) = @_;
    print "1..0 # SKIP $what: $why\n";
    exit 0;
}

# Each python in which this runs: Debian's, and one that is in front of it.
sub find_pythons {
    my ($probe) = @_;
    my (@found, %seen);
    for my $python (grep { defined } $ENV{PYTHON}, 'python3', '/usr/bin/python3') {
        my $real = qx($python -c '$probe; import sys; print(sys.executable)' 2>/dev/null);
        push @found, $python if $? == 0 && !$seen{$real}++;
    }
    return @found;
}

# The first one.
sub find_python {
    my ($probe) = @_;
    return (find_pythons($probe))[0];
}

# Runs the program with the stand-in's URL; its exit status is this script's.
sub ask_with {
    my ($emulator, @command) = @_;
    my $failed = system(@command, $emulator->aws_url) != 0;
    my $stopped = $emulator->stop;
    print {*STDERR} map { "# $_\n" } grep { !/:(?:info|warn)\]/ } split /\n/, $emulator->error_log if $failed;
    exit($failed || !$stopped ? 1 : 0);
}

# The same with each of several programs, [name, command...], as a subtest each.
sub ask_each {
    my ($emulator, @programs) = @_;
    my $failed = 0;
    print '1..' . @programs . "\n";
    for my $index (0 .. $#programs) {
        my ($name, @command) = @{ $programs[$index] };
        open(my $out, '-|', @command, $emulator->aws_url) // die "$command[0]: $!\n";
        print "    $_" while <$out>;
        my $good = close $out;
        $failed ||= !$good;
        print $good ? 'ok ' : 'not ok ', $index + 1, " - $name\n";
        $emulator->reset_state;
    }
    my $stopped = $emulator->stop;
    print {*STDERR} map { "# $_\n" } grep { !/:(?:info|warn)\]/ } split /\n/, $emulator->error_log if $failed;
    exit($failed || !$stopped ? 1 : 0);
}

1;
