#!/usr/bin/env perl
# Every input that fuzzing has found worth keeping, through the same code again, without a fuzzer.
use strict;
use warnings;
use Test::More;

my $build = $ENV{BUILD} || 'build';
my @targets = map { m{fuzz_(\w+)\.c$} ? $1 : () } sort(glob('t/fuzz/fuzz_*.c'));
plan skip_all => 'there are no fuzz targets' if !@targets;

for my $target (@targets) {
    my @inputs = grep { -f } sort(glob("t/fuzz/corpus/$target/*"));
    ok(@inputs > 0, "$target has a corpus");
    open(my $output, '-|', "$build/t/fuzz/replay_$target", @inputs) or die "replay_$target: $!\n";
    my @failed = grep { /^not ok/ } <$output>;
    ok(close($output), "$target replays " . @inputs . ' inputs') or diag("exit status $?: ", @failed);
}
done_testing();
