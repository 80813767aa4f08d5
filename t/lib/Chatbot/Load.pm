# The load generator t/lib/load.c: run it to its end, or in the background.
package Chatbot::Load;

use strict;
use warnings;
use Carp qw(croak);
use JSON::PP ();

# Starts it; the arguments are load's own. ->result waits for it.
sub start {
    my ($class, $port, @arguments) = @_;
    my $program = ($ENV{BUILD} || 'build') . '/t/lib/load';
    croak "$program is not there: run make tools" if !-x $program;
    my $pid = open(my $output, '-|', $program, '-p', $port, @arguments) // croak "$program: $!";
    return bless { pid => $pid, output => $output }, $class;
}

# What became of the requests: see print_result() there.
sub result {
    my ($self) = @_;
    local $/ = undef;
    my $text = readline($self->{output}) // '';
    close($self->{output});
    return eval { JSON::PP->new->decode($text) } // croak "load said '$text'";
}

sub run {
    my ($class, @arguments) = @_;
    return $class->start(@arguments)->result;
}

1;
