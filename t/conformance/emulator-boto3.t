#!/usr/bin/env perl
# The stand-in convinces AWS's own SDK for Python: emulator_boto3.py does the asking.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use EmulatorSdk;

my $python = find_python('import boto3; boto3.client("bedrock-agent-runtime", region_name="us-east-1")')
    or skip_all('boto3 against the stand-in', 'no python3 here has a boto3 with bedrock-agent-runtime');
ask_with(Chatbot::Emulator->start(config => $EmulatorSdk::TEMPORARY_KEY), $python, '-B', "$FindBin::Bin/emulator_boto3.py");
