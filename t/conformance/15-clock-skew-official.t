#!/usr/bin/perl
# The clock-skew cases of AWS's SDK for Rust: what is learnt from each answer, what is tried again, and
# with which time it is signed.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Test::More;
use Time::Local qw(timegm);
use Vectors;

my $vectors = vectors('clock-skew/clock-skew-test-cases.json');

sub seconds {
    my ($text) = @_;
    my ($y, $mo, $d, $h, $mi, $s) = $text =~ /(\d+)/g;
    return timegm($s, $mi, $h, $d, $mo - 1, $y);
}

sub attempt {
    my ($attempt) = @_;
    my $response = $attempt->{response};
    my %header   = map { lc $_ => $response->{headers}{$_} } keys %{ $response->{headers} };
    return {
        sent   => seconds($attempt->{clientTimeAtSend}), received => seconds($attempt->{clientTimeAtReceive}),
        status => $response->{statusCode}, code => $response->{errorCode},
        date   => $header{date}, age => $header{age},
    };
}

start_helper('skew');
for my $case (@{ $vectors->{tests} }) {
    my $skew = 0;
    my $number = 0;
    for my $operation (@{ $case->{operations} }) {
        my $name = "$case->{description}: operation " . ++$number;
        is $skew, $operation->{initialClientSkew}, "$name: starts with it" if $number > 1;
        my $got = ask({
            skew => $operation->{initialClientSkew}, max_attempts => $operation->{maxAttempts} // 0,
            attempts => [map { attempt($_) } @{ $operation->{attempts} }],
        });
        is_deeply $got->{signed}, [map { seconds($_->{expectedSigningTime}) } @{ $operation->{attempts} }],
            "$name: signing times";
        is $got->{outcome}, $operation->{expectedOutcome}, "$name: outcome";
        is $skew = $got->{skew}, $operation->{expectedClientSkew}, "$name: skew";
    }
}
end_helper();
done_testing;
