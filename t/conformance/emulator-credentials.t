#!/usr/bin/env perl
# AWS's SDK for Python takes credentials from each source of the stand-in, and meets its faults:
# emulator_credentials.py does the asking.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $python = find_python('import boto3; boto3.client("bedrock-agent-runtime", region_name="us-east-1")')
    || find_python('import boto3')
    or skip_all('credentials of the stand-in', 'python3-boto3 is not installed');
ask_with(Chatbot::Emulator->start, $python, '-B', "$FindBin::Bin/emulator_credentials.py");
