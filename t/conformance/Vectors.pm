package Vectors;

# The official vectors of ../shared/vectors, and the programs beside this file that are asked about
# them: one JSON object a line there, one back.
use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Spec;
use IPC::Open2;
use JSON::PP;
use Test::More;

our @EXPORT = qw(vectors start_helper ask end_helper);

my $here = dirname(File::Spec->rel2abs(__FILE__));
my $root = "$here/../..";
my ($pid, $answers, $questions);

# The content of a file of vectors; without it the whole script is a named skip.
sub vectors {
    my ($name) = @_;
    my $path = "$root/../shared/vectors/$name";
    if (!-e $path) {
        print "1..0 # SKIP the official vectors: ../shared/vectors/$name is not here\n";
        exit 0;
    }
    open my $in, '<:raw', $path or die "$path: $!";
    local $/;
    return decode_json(scalar <$in>);
}

sub start_helper {
    my ($name) = @_;
    my $build = $ENV{BUILD} // 'build';
    $pid = open2($answers, $questions, 'env', ($build =~ m{^/} ? $build : "$root/$build") . "/t/conformance/$name");
    $questions->autoflush(1);
    return;
}

sub ask {
    my ($question) = @_;
    print $questions encode_json($question), "\n";
    return decode_json(scalar <$answers>);
}

sub end_helper {
    close $questions;
    waitpid $pid, 0;
    is $?, 0, 'the program that is asked ends well';
    return;
}

1;
