#!/usr/bin/perl
# The shared config and credentials files, with the cases that AWS's SDKs share: what is in them, and
# where they are. sso-session sections are left out of the comparison, as they are of the product.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Test::More;
use Vectors;

my $contents  = vectors('credentials/profile-parser-tests.json');
my $locations = vectors('credentials/file-location-tests.json');

start_helper('profiles');
for my $case (@{ $contents->{tests} }) {
    my ($in, $out) = @$case{qw(input output)};
    my %question = (
        defined $in->{configFile}      ? (config      => $in->{configFile})      : (),
        defined $in->{credentialsFile} ? (credentials => $in->{credentialsFile}) : (),
    );
    my $got = ask(\%question);
    delete $got->{profiles}{''};
    if (defined $out->{errorContaining}) {
        like $got->{problem}, qr/^line \d+: .*\Q$out->{errorContaining}\E/, $case->{name};
        next;
    }
    is $got->{problem}, undef, "$case->{name}: no problem";
    is_deeply $got->{profiles}, $out->{config}{profiles}, $case->{name};
}
for my $case (@{ $locations->{tests} }) {
    next if $case->{platform} ne 'linux';
    my $got = ask({ environment => $case->{environment} });
    is $got->{config},      $case->{configLocation},      "$case->{name}: config";
    is $got->{credentials}, $case->{credentialsLocation}, "$case->{name}: credentials";
}
end_helper();
done_testing;
