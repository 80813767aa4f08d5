#!/usr/bin/perl
# Where AWS's SDK for Rust asks for credentials, by its own cases: the container's URI rules and the
# endpoint of the instance metadata service.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Test::More;
use Vectors;

my %tests = (
    container => vectors('credentials/ecs-tests.json')->{tests},
    imds      => vectors('credentials/imds-endpoint-tests.json')->{tests},
);

sub check {
    my ($service, $case) = @_;
    my ($config) = values %{ $case->{fs} || {} };
    my $got = ask({
        service => $service, env => $case->{env}, config => $config,
        endpoint => $case->{endpoint_override}, mode => $case->{mode_override},
    });
    if (defined $case->{result}{Ok}) {
        is $got->{url}, $case->{result}{Ok}, "$service: $case->{docs}";
    } else {
        isnt $got->{problem}, undef, "$service: $case->{docs}: refused";
    }
    return;
}

start_helper('metadata_urls');
for my $service (sort keys %tests) {
    check($service, $_) for @{ $tests{$service} };
}
end_helper();
done_testing;
