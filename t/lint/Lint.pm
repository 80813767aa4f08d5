# What the checks share: which files there are, C without comments and texts, and how to complain.
package Lint;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(product_sources all_sources slurp code_only complain finish);

my $complaints = 0;

# The C of the product; the same with the tests' C. Paths are relative to the top of the tree.
sub product_sources {
    return grep { -e } sort(glob('mod_chatbot.c modules/*/*.c modules/*/*.h'));
}

sub all_sources {
    return (product_sources(), sort(glob('t/*/*.c t/*/*.h')));
}

sub slurp {
    my ($path) = @_;
    open(my $file, '<', $path) or die "$path: $!\n";
    local $/ = undef;
    my $text = <$file>;
    return $text;
}

# The text with comments, strings and character constants emptied; lines stay where they were.
sub code_only {
    my ($text) = @_;
    my $newlines = sub { return "\n" x ($_[0] =~ tr/\n//) };
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}
              {defined $1 ? ' ' . $newlines->($1) : '""'}gse;
    return $text;
}

sub complain {
    my ($where, $what) = @_;
    print "$where: $what\n";
    $complaints++;
    return;
}

sub finish {
    exit($complaints ? 1 : 0);
}

1;
