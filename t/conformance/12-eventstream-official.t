#!/usr/bin/perl
# The event-stream messages that AWS's SDKs for JavaScript and Rust are tested with, each whole,
# byte by byte and cut at every offset.
use strict;
use warnings;

use FindBin qw($Bin);
use File::Glob qw(:bsd_glob); # a path may have blanks
use IPC::Open2;
use JSON::PP;
use Test::More;

my $root    = "$Bin/../..";
my $build   = $ENV{BUILD} // 'build';
my $decoder = ($build =~ m{^/} ? $build : "$root/$build") . '/t/conformance/decode';
my $classic = "$root/../shared/vectors/eventstream/classic";
my $rust    = "$root/../shared/vectors/eventstream/rust";

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

my ($pid, $answers, $questions);

sub decode_stream {
    my ($bytes) = @_;
    print $questions unpack('H*', $bytes), "\n";
    return decode_json(scalar <$answers>);
}

# Numbers and truth values in one form, whoever read them.
sub plain {
    my ($headers) = @_;
    my %plain;
    for (@$headers) {
        my $value = JSON::PP::is_bool($_->{value}) ? !!$_->{value} : $_->{value};
        $plain{ $_->{name} } = "$_->{type}:$value";
    }
    return \%plain;
}

sub check_positive {
    my ($name) = @_;
    my $expected = decode_json(slurp("$classic/decoded/positive/$name"));
    my $got      = decode_stream(slurp("$classic/encoded/positive/$name"));
    ok $got->{same}, "classic $name: one outcome however it is cut";
    is $got->{reason}, 'no error', "classic $name: no error";
    is scalar @{ $got->{messages} }, 1, "classic $name: one message";
    is_deeply plain($got->{messages}[0]{headers}), plain($expected->{headers}),
        "classic $name: headers";
    is $got->{messages}[0]{payload}, $expected->{payload}, "classic $name: payload";
}

sub check_negative {
    my ($name) = @_;
    my $expected = slurp("$classic/decoded/negative/$name");
    my $got      = decode_stream(slurp("$classic/encoded/negative/$name"));
    my $part     = $expected =~ /Prelude/ ? qr/message's lengths/ : qr/message is/;
    ok $got->{same}, "classic $name: one outcome however it is cut";
    like $got->{reason}, qr/^the checksum of a $part/, "classic $name: $expected";
    is scalar @{ $got->{messages} }, 0, "classic $name: no message";
}

sub check_rust {
    my ($name, $verdict) = @_;
    my $got      = decode_stream(slurp("$rust/$name"));
    my $messages = $verdict eq 'ok' ? 1 : 0;
    ok $got->{same}, "rust $name: one outcome however it is cut";
    is $got->{reason} eq 'no error' ? 'ok' : 'protocol-error', $verdict, "rust $name: $verdict";
    is scalar @{ $got->{messages} }, $messages, "rust $name: messages";
}

if (!-d $classic || !-d $rust) {
    print "1..0 # SKIP the official event-stream vectors: ../shared/vectors/eventstream is not here\n";
    exit 0;
}
$pid = open2($answers, $questions, 'env', $decoder);
$questions->autoflush(1);
my ($positive, $negative) = map {
    my $kind = $_;
    [map { m{([^/]+)$} } sort glob "$classic/encoded/$kind/*"]
} qw(positive negative);
check_positive($_) for @$positive;
check_negative($_) for @$negative;
my $cases = decode_json(slurp("$rust/expected.json"))->{cases};
check_rust($_, $cases->{$_}) for sort keys %$cases;

my @all = map { slurp("$classic/encoded/positive/$_") } @$positive;
my $together = decode_stream(join '', @all);
is scalar @{ $together->{messages} }, scalar @all, 'all classic messages in one stream';
ok $together->{same}, 'all classic messages in one stream: one outcome however it is cut';
close $questions;
waitpid $pid, 0;
is $?, 0, 'the decoder ends well';
done_testing;
