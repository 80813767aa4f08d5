#!/usr/bin/perl
# The signing cases that AWS publishes with aws-c-auth: canonical request, string to sign,
# signature.
use strict;
use warnings;

use Encode qw(decode);
use File::Basename qw(basename);
use File::Glob qw(:bsd_glob); # a path may have blanks
use FindBin qw($Bin);
use IPC::Open2;
use JSON::PP;
use Test::More;
use Time::Local qw(timegm);

my $root   = "$Bin/../..";
my $build  = $ENV{BUILD} // 'build';
my $signer = ($build =~ m{^/} ? $build : "$root/$build") . '/t/conformance/signer';
my @cases  = sort glob "$root/../shared/vectors/sigv4/official/*";

if (!@cases) {
    print "1..0 # SKIP the official SigV4 vectors: ../shared/vectors/sigv4 is not here\n";
    exit 0;
}
plan tests => 3 * @cases + 1;

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

# JSON carries characters: bytes that are UTF-8 become them.
sub text {
    my ($path) = @_;
    return decode('UTF-8', slurp($path));
}

# The request's literal text, in the form the signer reads.
sub read_request {
    my ($case, $context) = @_;
    my ($head, $body) = split /\r?\n\r?\n/, text("$case/request.txt"), 2;
    $head =~ s/\r?\n[ \t]+/ /g;
    my ($line, @headers) = split /\r?\n/, $head;
    my ($method, $target) = $line =~ /^(\S+) (.*) HTTP\/1\.1$/ or die "$case: $line";
    my ($path, $query) = split /\?/, $target, 2;
    my %input = (method => $method, path => $path, query => $query // '', body => $body // '');
    $input{headers} = [map { [/^([^:]+):(.*)$/s] } @headers];

    # Not normalised but encoded: our S3 rule takes the path as it stands, so it is encoded here.
    if (!$context->{normalize}) {
        utf8::encode(my $bytes = $path);
        $bytes =~ s{([^A-Za-z0-9._~/-])}{sprintf '%%%02X', ord $1}ge;
        @input{qw(path s3)} = ($bytes, JSON::PP::true);
    }
    return \%input;
}

sub complete {
    my ($input, $context, $hash) = @_;
    my $keys = $context->{credentials};
    my ($y, $mo, $d, $h, $mi, $s) = $context->{timestamp} =~ /(\d+)/g;
    push @{ $input->{headers} }, ['X-Amz-Date', "$y$mo${d}T$h$mi${s}Z"];
    if (defined $keys->{token} && !$context->{omit_session_token}) {
        push @{ $input->{headers} }, ['X-Amz-Security-Token', $keys->{token}];
    }
    push @{ $input->{headers} }, ['x-amz-content-sha256', $hash] if $context->{sign_body};
    @$input{qw(access_key_id secret_access_key region service time)} = (
        @$keys{qw(access_key_id secret_access_key)},
        @$context{qw(region service)}, timegm($s, $mi, $h, $d, $mo - 1, $y));
    return $input;
}

my $pid = open2(my $answers, my $questions, 'env', $signer);
$questions->autoflush(1);
for my $case (@cases) {
    my $name      = basename($case);
    my $context   = decode_json(slurp("$case/context.json"));
    my $canonical = text("$case/header-canonical-request.txt");
    my ($hash)    = $canonical =~ /([0-9a-f]{64})\s*\z/;
    my $input     = complete(read_request($case, $context), $context, $hash);
    print $questions encode_json($input), "\n";
    my $answer    = decode_json(scalar <$answers>);
    my ($signature) = ($answer->{authorization} // '') =~ /Signature=(\w+)$/;
    is $answer->{canonical_request}, $canonical, "$name: canonical request";
    is $answer->{string_to_sign}, text("$case/header-string-to-sign.txt"), "$name: string to sign";
    is $signature, text("$case/header-signature.txt"), "$name: signature";
}
close $questions;
waitpid $pid, 0;
is $?, 0, 'the signer ends well';
