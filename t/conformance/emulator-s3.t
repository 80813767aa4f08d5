#!/usr/bin/env perl
# The stand-in for S3 convinces AWS's own SDK for Python: emulator_s3.py does the asking.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $python = find_python('import boto3; boto3.client("s3", region_name="us-east-1")')
    or skip_all('S3 against the stand-in', 'no python3 here has boto3');
ask_with(Chatbot::Emulator->start(config => 'EmulatorBucket demo-files'),
    $python, '-B', "$FindBin::Bin/emulator_s3.py");
