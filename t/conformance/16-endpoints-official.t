#!/usr/bin/perl
# Region, FIPS and dual-stack to a host name, with the cases that AWS publishes for each service.
# Skipped by name: the global endpoint of STS, which the product does not use.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use JSON::PP;
use Test::More;
use Vectors;

# The file of vectors, and our name of the service.
my @services = (
    [qw(bedrock-agent-runtime bedrock-agent-runtime)], [qw(bedrock-runtime bedrock-runtime)],
    [qw(bedrock-agentcore bedrock-agentcore)], [qw(cloudwatch monitoring)], [qw(sts sts)],
);
my %vectors = map { $_->[0] => vectors("endpoints/$_->[0].json") } @services;

sub truth {
    my ($value) = @_;
    return $value ? JSON::PP::true : JSON::PP::false;
}

sub check {
    my ($service, $case) = @_;
    my $in   = $case->{params} // {};
    my $name = "$service: " . ($case->{documentation} // 'a case without a name');
    if ($in->{UseGlobalEndpoint} || ($in->{Region} // '') eq 'aws-global') {
        note "$name: skipped, the global endpoint";
        return;
    }

    # With an endpoint of one's own, AWS's rules need no region; our signature does.
    my $region = $in->{Region} // (defined $in->{Endpoint} ? 'us-east-1' : '');
    my $got = ask({
        service => $service, region => $region, fips => truth($in->{UseFIPS}),
        dual_stack => truth($in->{UseDualStack}), url => $in->{Endpoint},
    });
    if (defined $case->{expect}{error}) {
        isnt $got->{problem}, undef, "$name: refused as $case->{expect}{error}";
        return;
    }
    is $got->{url}, $case->{expect}{endpoint}{url}, $name;
    return;
}

start_helper('endpoints');
for my $service (@services) {
    check($service->[1], $_) for @{ $vectors{ $service->[0] }{testCases} };
}
end_helper();
done_testing;
