package EmulatorSdk;

# What the scripts share that drive the stand-in with an SDK of AWS: a stand-in of their own, and the
# program that does the asking and prints TAP.
use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Spec;
use Chatbot::Emulator;

our @EXPORT = qw(skip_all find_python ask_with);

our $HERE = dirname(File::Spec->rel2abs(__FILE__));

# A configured key with a session token.
our $TEMPORARY_KEY = 'EmulatorAccessKey ASIATEMPORARY0000000 temporary-secret token/of+the=session';

sub skip_all {
    my ($what, $why) = @_;
    print "1..0 # SKIP $what: $why\n";
    exit 0;
}

# The first python in which this runs.
sub find_python {
    my ($probe) = @_;
    for my $python (grep { defined } $ENV{PYTHON}, 'python3', '/usr/bin/python3') {
        return $python if system("$python -c '$probe' >/dev/null 2>&1") == 0;
    }
    return;
}

# Runs the program with the stand-in's URL; its exit status is this script's.
sub ask_with {
    my ($emulator, @command) = @_;
    my $failed = system(@command, $emulator->aws_url) != 0;
    my $stopped = $emulator->stop;
    print {*STDERR} map { "# $_\n" } grep { !/:(?:info|warn)\]/ } split /\n/, $emulator->error_log if $failed;
    exit($failed || !$stopped ? 1 : 0);
}

1;
