#!/usr/bin/perl
# Each source of credentials against services that are not ours: the stand-in, which checks the
# signatures of STS with code of its own, and moto's STS.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin, "$Bin/../lib";
use Chatbot::Emulator;
use EmulatorSdk;
use File::Temp qw(tempdir);
use IPC::Open2;
use Test::More;
use Vectors;

my $folder = tempdir(CLEANUP => 1);
my $role   = 'arn:aws:iam::123456789012:role';
my %base   = (AWS_REGION => 'us-east-1', AWS_EC2_METADATA_DISABLED => 'true');
my %keys   = Chatbot::Emulator->credentials;

sub file {
    my ($name, $text) = @_;
    open my $out, '>', "$folder/$name" or die "$folder/$name: $!";
    print $out $text;
    close $out or die "$folder/$name: $!";
    return "$folder/$name";
}

# One source: where its set says it is from, and that the log has one line and no secret.
sub gives {
    my ($what, $source, $sts, %env) = @_;
    my $got = ask({ env => { %base, %env }, sts => $sts });
    is $got->{source}, $source, $what or diag $got->{reason};
    like $got->{log}, qr/\ACHAT0111: using AWS credentials of \Q$source\E: access key \w{4}\.\.\.\w{4}, expiry: \S+\n\z/,
        "$what: the log";
    note $got->{log};
    unlike $got->{log}, qr/\Q$got->{secret}\E/, "$what: without the secret";
    return $got;
}

sub fails {
    my ($what, $reason, $sts, %env) = @_;
    my $got = ask({ env => { %base, %env }, sts => $sts });
    like $got->{reason}, $reason, $what;
    note $got->{log};
    return;
}

sub stand_in {
    my $emulator = Chatbot::Emulator->start;
    my $url      = $emulator->aws_url;
    my %imds     = (AWS_EC2_METADATA_DISABLED => 'false', $emulator->imds_credentials);
    my $config   = file('config', join "\n",
        "[profile keys]", "aws_access_key_id = $keys{AWS_ACCESS_KEY_ID}",
        "aws_secret_access_key = $keys{AWS_SECRET_ACCESS_KEY}",
        "[profile web]", "role_arn = $role/web", "source_profile = keys", "external_id = a b&c/\x{e4}",
        "[profile chain]", "role_arn = $role/chain", "source_profile = web", "duration_seconds = 900",
        "[profile instance]", "role_arn = $role/instance", "credential_source = Ec2InstanceMetadata",
        "[profile denied]", "role_arn = $role/DENIED", "source_profile = keys", "");
    my %files = (AWS_CONFIG_FILE => $config);
    my %token = (AWS_ROLE_ARN => "$role/pod",
        AWS_WEB_IDENTITY_TOKEN_FILE => file('jwt', Chatbot::Emulator->web_identity_token . "\n"));

    gives('environment', 'the environment', $url, %keys);
    gives('container', "the container's role", $url, $emulator->container_credentials('web'));
    gives('instance', "the instance's role", $url, %imds);
    gives('web identity', "the role $role/pod (web identity)", $url, %token);
    gives('profile with keys', 'the profile "keys"', $url, %files, AWS_PROFILE => 'keys');
    gives('profile with a role', "the role $role/web (profile web)", $url, %files, AWS_PROFILE => 'web');
    gives('a role after a role', "the role $role/chain (profile chain)", $url, %files, AWS_PROFILE => 'chain');
    gives('a role of the instance', "the role $role/instance (profile instance)", $url, %files, %imds,
        AWS_PROFILE => 'instance');
    fails('a role that may not be assumed', qr/HTTP 403: STS says AccessDenied: /, $url, %files, AWS_PROFILE => 'denied');
    $emulator->set(container_token => 'Bearer x');
    fails('a container without its token', qr/asking the container's credentials service .*: HTTP 401: /, $url,
        $emulator->container_credentials('web'));
    gives('a container with its token in a file', "the container's role", $url,
        $emulator->container_credentials('web'),
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => file('token', "Bearer x\n"));
    $emulator->set(imds_role => '');
    fails('an instance without a role', qr/the instance has no role/, $url, %imds);
    ok $emulator->stop, 'the stand-in ends well';
    return;
}

my $moto = <<'END';
import logging
import sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
END

sub moto {
    my $python = find_python('import moto.server, flask');
    if (!defined $python) {
        diag 'skipped: moto: not installed, or without flask';
        return;
    }
    my $pid = open2(my $says, my $hears, $python, '-c', $moto);
    chomp(my $url = <$says> // '');
    my %token = (AWS_ROLE_ARN => "$role/pod",
        AWS_WEB_IDENTITY_TOKEN_FILE => file('jwt', Chatbot::Emulator->web_identity_token . "\n"));
    my $config = file('config', "[profile web]\nrole_arn = $role/web\ncredential_source = Environment\n");

    gives('moto: web identity', "the role $role/pod (web identity)", $url, %token);
    my $got = ask({ env => { %base, %keys, AWS_PROFILE => 'web', AWS_CONFIG_FILE => $config }, sts => $url,
        choice => 'profile' });
    is $got->{source}, "the role $role/web (profile web)", 'moto: AssumeRole' or diag $got->{reason};
    close $hears;
    waitpid $pid, 0;
    return;
}

start_helper('credentials');
stand_in();
moto();
end_helper();
done_testing;
